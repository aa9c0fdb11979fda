import { ErrorReply } from "@redis/client";
import { BackplaneUnavailable } from "../contract.ts";
import { pause } from "../with_timeout.ts";
import { type Connection, createConnection } from "./connection.ts";
import type { Settings } from "./redis_options.ts";
import { PUBLISH } from "./scripts/publish.ts";
import { ROOM } from "./scripts/room.ts";
import { VOUCH } from "./scripts/confirm.ts";

/** The scripts that there are. */
export type ScriptName = "publish" | "room" | "vouch";

const SCRIPTS: Readonly<Record<ScriptName, string>> = { publish: PUBLISH, room: ROOM, vouch: VOUCH };

/** The first version that scripts can publish to the channels of a slot with. */
const OLDEST = 7;
/** The first pause before another attempt to connect, in milliseconds. */
const FIRST_RETRY_MS = 50;

/** Whom a link tells. */
export interface LinkListener {
  /** It can be used, for the first time or again: nothing is subscribed to. */
  readonly onUp: () => void;
  /** It cannot be used any more, for now. */
  readonly onDown: (error: unknown) => void;
  /** `run` names the process that published it. */
  readonly onMessage: (channel: string, payload: string, run: string) => void;
  /** A slot is on another server now. */
  readonly onMoved: () => void;
}

/** A connection that can be used. */
interface Up {
  readonly client: Connection;
  /** Names the server's process. */
  readonly run: string;
  readonly digests: Map<ScriptName, string>;
  readonly channels: Set<string>;
}

/**
 * One connection to one server, made again when it is lost. Commands and what is published share it, so that all comes in the
 * order in which the server did it.
 */
export class Link {
  readonly node: string;
  readonly #url: string;
  readonly #settings: Settings;
  readonly #listener: LinkListener;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #up: Up | undefined;
  #becomingUp = Promise.withResolvers<void>();
  #fail: ((error: unknown) => void) | undefined;
  #asked = 0;
  #heardAt = 0;

  /** `node` is what the log calls it; the URL holds a password. */
  constructor(node: string, url: string, settings: Settings, listener: LinkListener) {
    this.node = node;
    this.#url = url;
    this.#settings = settings;
    this.#listener = listener;
    this.#becomingUp.promise.catch(() => {/* whoever waits is told */});
    this.#ended = this.#run();
  }

  /** Names the server's process; undefined while it is out of reach. */
  get run(): string | undefined {
    return this.#up?.run;
  }

  /** Resolves once it can be used; rejects when that takes too long. */
  async untilUp(waitMs: number): Promise<void> {
    if (this.#up) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const giveUp = () => reject(new BackplaneUnavailable(`Redis at ${this.node} is out of reach.`));
      timer = setTimeout(giveUp, waitMs);
    });
    try {
      await Promise.race([this.#becomingUp.promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Sends a command. Commands are done in the order in which they are sent.
   * @throws {BackplaneUnavailable} as a rejection, and the server's errors
   */
  async command(args: readonly string[]): Promise<unknown> {
    const { client } = this.#usable();
    return await this.#ask(client.sendCommand(args));
  }

  /** Does a script; see scripts/room_state.ts for what it is given. Errors are those of `command`. */
  async script(name: ScriptName, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const up = this.#usable();
    const rest = [`${keys.length}`, ...keys, ...args];
    try {
      return await this.#ask(up.client.sendCommand(["EVALSHA", up.digests.get(name) ?? "", ...rest]));
    } catch (error) {
      if (!isReply(error, "NOSCRIPT")) throw error;
      // Somebody has emptied the server's store of scripts.
      return await this.command(["EVAL", SCRIPTS[name], ...rest]);
    }
  }

  /** Subscribes to a channel until it is unsubscribed from, or the link is down. */
  async subscribe(channel: string): Promise<void> {
    const { client, channels } = this.#usable();
    if (channels.has(channel)) return;
    channels.add(channel);
    await this.#ask(client.sSubscribe(channel, this.#onMessage)).catch((error: unknown) => {
      channels.delete(channel);
      throw error;
    });
  }

  /** Unsubscribes from a channel; when the link is down it is not subscribed to. */
  unsubscribe(channel: string): void {
    const up = this.#up;
    if (!up?.channels.delete(channel)) return;
    // Where it fails the slot has moved. The client would go on to take the channel for subscribed to.
    this.#ask(up.client.sUnsubscribe(channel, this.#onMessage)).catch((error: unknown) => {
      if (up === this.#up) this.#fail?.(error);
    });
  }

  /** Whether a channel is subscribed to. */
  isSubscribed(channel: string): boolean {
    return this.#up?.channels.has(channel) ?? false;
  }

  /** Makes the connection anew. */
  reconnect(reason: unknown): void {
    this.#fail?.(reason);
  }

  /** Ends it; what is under way rejects. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#becomingUp.reject(new BackplaneUnavailable("The backplane is closed."));
    this.#fail?.(new BackplaneUnavailable("The backplane is closed."));
    await this.#ended;
  }

  readonly #onMessage = (payload: string, channel: string): void => {
    this.#heardAt = performance.now();
    // What an ended connection still brings was not asked for any more.
    if (this.#up) this.#listener.onMessage(channel, payload, this.#up.run);
  };

  #usable(): Up {
    if (!this.#up) throw new BackplaneUnavailable(`Redis at ${this.node} is out of reach.`);
    return this.#up;
  }

  async #ask<T>(asking: Promise<T>): Promise<T> {
    if (this.#asked++ === 0) this.#heardAt = performance.now();
    try {
      return await asking;
    } catch (error) {
      if (error instanceof ErrorReply) {
        // It became a replica, or is not ready: what can be written to is elsewhere, or will be soon.
        if (isReply(error, "READONLY") || isReply(error, "LOADING")) this.#fail?.(error);
        throw isPassing(error) ? new BackplaneUnavailable(error.message, { cause: error }) : error;
      }
      throw new BackplaneUnavailable(`The connection to Redis at ${this.node} was lost.`, { cause: error });
    } finally {
      this.#asked--;
      this.#heardAt = performance.now();
    }
  }

  /** Connects again and again. */
  async #run(): Promise<void> {
    let attempts = 0;
    while (!this.#closing.signal.aborted) {
      const error = await this.#connectOnce(() => attempts = 0);
      if (this.#closing.signal.aborted) return;
      const longest = Math.min(this.#settings.retryMs, FIRST_RETRY_MS * 2 ** attempts++);
      const retryMs = Math.round(longest * (0.5 + this.#settings.random() / 2));
      this.#settings.onEvent({ type: "lost", node: this.node, error, retryMs });
      await pause(retryMs, this.#closing.signal);
    }
  }

  /** Connects, and stays as long as the connection does. Resolves with what ended it. */
  async #connectOnce(onUp: () => void): Promise<unknown> {
    const client = createConnection(this.#url, this.#settings);
    const failed = Promise.withResolvers<unknown>();
    this.#fail = failed.resolve;
    client.on("error", failed.resolve);
    client.on("terminated", failed.resolve);
    client.on("sharded-channel-moved", (channel) => {
      this.#up?.channels.delete(String(channel));
      this.#listener.onMoved();
    });
    const late = setTimeout(
      () => failed.resolve(new Error(`Connecting took longer than ${this.#settings.connectMs} ms.`)),
      this.#settings.connectMs,
    );
    let watch: ReturnType<typeof setInterval> | undefined;
    try {
      const connecting = prepare(client);
      connecting.catch(failed.resolve);
      const up = await Promise.race([connecting, failed.promise.then(() => undefined)]);
      clearTimeout(late);
      if (!up || this.#closing.signal.aborted) return await failed.promise;
      watch = setInterval(() => this.#watch(), Math.min(this.#settings.pingMs, this.#settings.commandMs) / 4);
      this.#heardAt = performance.now();
      this.#up = up;
      onUp();
      this.#becomingUp.resolve();
      this.#settings.onEvent({ type: "connected", node: this.node });
      this.#listener.onUp();
      return await failed.promise;
    } finally {
      clearTimeout(late);
      clearInterval(watch);
      this.#fail = undefined;
      const wasUp = this.#up !== undefined;
      this.#up = undefined;
      if (wasUp) {
        if (!this.#closing.signal.aborted) {
          this.#becomingUp = Promise.withResolvers();
          this.#becomingUp.promise.catch(() => {/* whoever waits is told */});
        }
        this.#listener.onDown(await failed.promise);
      }
      client.destroy();
      // The client may have put off writing until the end of the turn.
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  /** A connection that is half open says nothing: who is asked and does not answer is gone. */
  #watch(): void {
    const silentMs = performance.now() - this.#heardAt;
    if (this.#asked > 0 && silentMs > this.#settings.commandMs) {
      this.#fail?.(new Error(`Redis said nothing for ${Math.round(silentMs)} ms.`));
    } else if (this.#asked === 0 && silentMs > this.#settings.pingMs) {
      this.command(["PING"]).catch(() => {/* the connection's end is told elsewhere */});
    }
  }
}

/** Whether an error is the server's, and of this kind. */
export function isReply(error: unknown, kind: string): boolean {
  const reply = error instanceof BackplaneUnavailable ? error.cause : error;
  return reply instanceof ErrorReply && reply.message.startsWith(kind);
}

/** Errors after which it makes sense to try again. */
function isPassing({ message }: Error): boolean {
  return /^(LOADING|READONLY|MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|BUSY|OOM|NOREPLICAS|MISCONF|NOAUTH)\b/
    .test(message);
}

async function prepare(client: Connection): Promise<Up> {
  await client.connect();
  const info = String(await client.sendCommand(["INFO", "server"]));
  const run = /^run_id:(\S+)/m.exec(info)?.[1];
  const version = /^redis_version:(\d+)/m.exec(info)?.[1];
  if (Number(version) < OLDEST) {
    throw new Error(`The server is Redis ${version}: it must be ${OLDEST} or newer.`);
  }
  if (run === undefined) throw new Error("The server does not say which process it is.");
  const digests = new Map<ScriptName, string>();
  for (const name of ["publish", "room", "vouch"] as const) {
    digests.set(name, String(await client.sendCommand(["SCRIPT", "LOAD", SCRIPTS[name]])));
  }
  return { client, run, digests, channels: new Set() };
}
