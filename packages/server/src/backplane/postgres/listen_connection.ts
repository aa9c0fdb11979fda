import type { Database, Pool } from "./database.ts";
import { pause, within } from "../with_timeout.ts";

/** What a connection that listens is given. */
export interface LinkOptions {
  readonly database: Database;
  readonly onNotification: (channel: string, payload: string) => void;
  readonly connectMs: number;
  readonly statementMs: number;
  /** How long a notification may take to come back. */
  readonly echoMs: number;
  /** How often it is tried out. */
  readonly checkMs: number;
}

/** The connection that listens, from when it is connected until it is lost. It does not connect again. */
export class Link implements AsyncDisposable {
  readonly #options: LinkOptions;
  readonly #pool: Pool;
  readonly #echoChannel = `rooms:echo:${crypto.randomUUID()}`;
  readonly #lost = Promise.withResolvers<unknown>();
  readonly #end = new AbortController();
  #echo = Promise.withResolvers<void>();
  /** Commands that are given with the next statement, and what tells that it was done. */
  #waiting: { readonly commands: string[]; readonly done: PromiseWithResolvers<void> } | undefined;
  #isBusy = false;
  #isChecking = false;

  private constructor(options: LinkOptions) {
    this.#options = options;
    this.#pool = options.database.single({
      onnotify: (channel, payload) => {
        if (channel === this.#echoChannel) this.#echo.resolve();
        else options.onNotification(channel, payload);
      },
      onclose: () => this.fail(new Error("The connection that listens was closed.")),
    });
  }

  /** Connects. Rejects with what kept it from it. */
  static async open(options: LinkOptions): Promise<Link> {
    const link = new Link(options);
    try {
      await within(
        link.#pool.sql.unsafe(`listen "${link.#echoChannel}"`),
        options.connectMs + options.statementMs,
        "Connecting",
      );
      return link;
    } catch (error) {
      await link[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Resolves, with what happened, when the connection is lost. */
  get lost(): Promise<unknown> {
    return this.#lost.promise;
  }

  /** Resolves when what is told to the channel from now on comes. */
  async listen(channel: string): Promise<void> {
    await this.#command(`listen "${channel}"`);
  }

  /** What is told to the channel need not come any more. */
  unlisten(channel: string): void {
    this.#command(`unlisten "${channel}"`).catch(() => {/* lost: there is nothing to end any more */});
  }

  /**
   * Whether a notification from another connection comes back. Behind a pooler that gives each transaction another connection it
   * does not. Rejects when it cannot be sent.
   */
  async echoes(): Promise<boolean> {
    this.#echo = Promise.withResolvers();
    await this.#options.database.read("select pg_notify($1, '')", [this.#echoChannel]);
    try {
      const end = this.lost.then((error) => Promise.reject(error));
      await within(Promise.race([this.#echo.promise, end]), this.#options.echoMs, "A notification");
      return true;
    } catch {
      return false;
    }
  }

  /** Tries it out again and again: a peer that is gone without a word would not be noticed otherwise. */
  async watch(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await pause(this.#options.checkMs, signal);
      if (!signal.aborted) await this.check();
    }
  }

  /** Tries it out, and gives it up when it does not work. */
  async check(): Promise<void> {
    if (this.#isChecking || this.#end.signal.aborted) return;
    this.#isChecking = true;
    try {
      if (!await this.echoes()) this.fail(new Error("The connection that listens brings nothing any more."));
    } catch (error) {
      this.fail(error);
    } finally {
      this.#isChecking = false;
    }
  }

  /** Gives it up. */
  fail(error: unknown): void {
    this.#end.abort();
    this.#lost.resolve(error);
    this.#waiting?.done.reject(error);
    this.#waiting = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.fail(new Error("The connection that listens was given back."));
    await this.#pool.end(0);
  }

  #command(command: string): Promise<void> {
    if (this.#end.signal.aborted) return Promise.reject(new Error("The connection that listens is lost."));
    if (!this.#waiting) {
      const done = Promise.withResolvers<void>();
      done.promise.catch(() => {/* also told to whoever waits for it */});
      this.#waiting = { commands: [], done };
    }
    const { commands, done } = this.#waiting;
    commands.push(command);
    if (!this.#isBusy) void this.#flush();
    return done.promise;
  }

  /** All commands that came while the last ones were under way go together. */
  async #flush(): Promise<void> {
    this.#isBusy = true;
    await Promise.resolve();
    while (this.#waiting) {
      const { commands, done } = this.#waiting;
      this.#waiting = undefined;
      try {
        await within(this.#pool.sql.unsafe(commands.join(";")), this.#options.statementMs, "LISTEN");
        done.resolve();
      } catch (error) {
        done.reject(error);
        this.fail(error);
      }
    }
    this.#isBusy = false;
  }
}
