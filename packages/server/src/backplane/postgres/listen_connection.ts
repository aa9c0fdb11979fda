import { arrayText } from "./array_text.ts";
import { privateChannel } from "./channel.ts";
import type { Database, Pool } from "./database.ts";
import { pause, withTimeout } from "../with_timeout.ts";

/** Options of `ListenConnection`. */
export interface ListenConnectionOptions {
  readonly database: Database;
  /** Secret part of the names of private channels. */
  readonly key: string;
  readonly onNotification: (channel: string, payload: string) => void;
  readonly connectMs: number;
  readonly statementMs: number;
  /** Timeout of a notification's echo, in milliseconds. */
  readonly echoMs: number;
  /** Interval between checks, in milliseconds. */
  readonly checkMs: number;
}

/**
 * The listening connection, from connect until loss. It never reconnects by itself. Callers name
 * channels as everybody may know them, and the connection listens on the private ones.
 */
export class ListenConnection implements AsyncDisposable {
  readonly #options: ListenConnectionOptions;
  readonly #pool: Pool;
  readonly #echoChannel = `rooms:echo:${crypto.randomUUID().slice(-12)}`;
  /** Channels by their private names. */
  readonly #channels = new Map<string, string>();
  readonly #lost = Promise.withResolvers<unknown>();
  readonly #end = new AbortController();
  #echo = Promise.withResolvers<void>();
  /** Commands of the next statement, and the promise that settles with it. */
  #pending: { readonly commands: string[]; readonly done: PromiseWithResolvers<void> } | undefined;
  #isBusy = false;
  #isChecking = false;

  private constructor(options: ListenConnectionOptions) {
    this.#options = options;
    this.#pool = options.database.dedicated({
      onnotify: (name, payload) => {
        const channel = this.#channels.get(name);
        if (channel === this.#echoChannel) this.#echo.resolve();
        else if (channel !== undefined) options.onNotification(channel, payload);
      },
      onclose: () => this.fail(new Error("Postgres closed the listening connection.")),
    });
  }

  /** Connects. Rejects with the cause of the failure. */
  static async open(options: ListenConnectionOptions): Promise<ListenConnection> {
    const connection = new ListenConnection(options);
    try {
      await withTimeout(
        connection.#send([connection.#add(connection.#echoChannel)]),
        options.connectMs + options.statementMs,
        "Connecting",
      );
      return connection;
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Resolves with the cause when the connection is lost. */
  get lost(): Promise<unknown> {
    return this.#lost.promise;
  }

  /** Resolves once notifications of the channel are delivered. */
  async listen(channel: string): Promise<void> {
    await this.#command(this.#add(channel));
  }

  /** Stops the notifications of the channel. */
  unlisten(channel: string): void {
    const name = privateChannel(this.#options.key, channel);
    this.#channels.delete(name);
    this.#command(`-${name}`).catch(
      () => {/* the connection is lost, and its channels with it */},
    );
  }

  /**
   * Sends a notification over another connection and resolves with true if it arrives here. It does
   * not arrive behind a transaction pooler, or if the key has changed. Rejects if the notification
   * cannot be sent.
   */
  async echoes(): Promise<boolean> {
    this.#echo = Promise.withResolvers();
    await this.#options.database.read("select rooms.notify($1, '')", [this.#echoChannel]);
    try {
      const end = this.lost.then((error) => Promise.reject(error));
      await withTimeout(Promise.race([this.#echo.promise, end]), this.#options.echoMs, "The notification");
      return true;
    } catch {
      return false;
    }
  }

  /** Checks the connection at intervals: TCP alone does not report a peer that vanished. */
  async checkPeriodically(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await pause(this.#options.checkMs, signal);
      if (!signal.aborted) await this.check();
    }
  }

  /** Tests the connection, and fails it if notifications do not arrive. */
  async check(): Promise<void> {
    if (this.#isChecking || this.#end.signal.aborted) return;
    this.#isChecking = true;
    try {
      if (!await this.echoes()) this.fail(new Error("The listening connection delivers no notifications."));
    } catch (error) {
      this.fail(error);
    } finally {
      this.#isChecking = false;
    }
  }

  /** Declares the connection lost. */
  fail(error: unknown): void {
    this.#end.abort();
    this.#lost.resolve(error);
    this.#pending?.done.reject(error);
    this.#pending = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.fail(new Error("The listening connection was closed."));
    await this.#pool.end(0);
  }

  /** Remembers a channel before its first notification can arrive; returns its private name. */
  #add(channel: string): string {
    const name = privateChannel(this.#options.key, channel);
    this.#channels.set(name, channel);
    return name;
  }

  /** Runs commands, for which docs/architecture.md has the reason that they are no plain LISTEN. */
  async #send(commands: readonly string[]): Promise<void> {
    await this.#pool.sql.unsafe("select rooms.listen($1::text[])", [arrayText(commands)]);
  }

  #command(command: string): Promise<void> {
    if (this.#end.signal.aborted) return Promise.reject(new Error("The listening connection is lost."));
    if (!this.#pending) {
      const done = Promise.withResolvers<void>();
      done.promise.catch(() => {/* each caller of #command also gets the rejection */});
      this.#pending = { commands: [], done };
    }
    const { commands, done } = this.#pending;
    commands.push(command);
    if (!this.#isBusy) void this.#flush();
    return done.promise;
  }

  /** Sends commands in one statement each time: all that arrived while the last one ran. */
  async #flush(): Promise<void> {
    this.#isBusy = true;
    await Promise.resolve();
    while (this.#pending) {
      const { commands, done } = this.#pending;
      this.#pending = undefined;
      try {
        await withTimeout(this.#send(commands), this.#options.statementMs, "LISTEN");
        done.resolve();
      } catch (error) {
        done.reject(error);
        this.fail(error);
      }
    }
    this.#isBusy = false;
  }
}
