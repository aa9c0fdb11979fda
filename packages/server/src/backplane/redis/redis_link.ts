import { ErrorReply } from "@redis/client";
import { BackplaneUnavailable } from "../contract.ts";
import { pause } from "../with_timeout.ts";
import { CallLimit } from "../../call_limit.ts";
import { createConnection } from "./connection.ts";
import {
  type ActiveConnection,
  isRefusal,
  prepareConnection,
  type ScriptName,
  SCRIPTS,
} from "./prepare_connection.ts";
import type { ResolvedOptions } from "./redis_options.ts";

/**
 * Reads that run at once. Their replies of up to 256 KB each stay below 8 MB, Redis' soft limit for
 * the output of a connection with subscriptions.
 */
const MAX_READS = 16;
/** Reads that may wait. */
const MAX_WAITING_READS = 10_000;
/** First pause before another connection attempt, in milliseconds. */
const FIRST_RETRY_MS = 50;

/** Receives events of a link. */
export interface LinkListener {
  /** The link is usable, for the first time or again. It has no subscriptions. */
  readonly onUp: () => void;
  /** The connection is lost; the link reconnects. */
  readonly onDown: (error: unknown) => void;
  /** `runId` is the server run id of the publishing server. */
  readonly onMessage: (channel: string, payload: string, runId: string) => void;
  /** A slot has moved to another server. */
  readonly onMoved: () => void;
}

/** Server of a link. */
export interface LinkTarget {
  /** Name of the server in the log, since the URL holds a password. */
  readonly node: string;
  readonly url: string;
  /** Returns a key that no room has, in a slot of the server. */
  readonly probeKey: () => string;
}

/**
 * A connection to one server that reconnects by itself. Commands and channels share the connection,
 * so replies and messages arrive in the order in which the server executed the commands.
 */
export class Link {
  /** Bounds the reads under way. */
  readonly reads: CallLimit = new CallLimit(
    MAX_READS,
    MAX_WAITING_READS,
    () => new BackplaneUnavailable("The read queue of this isolate is full. Retry shortly."),
  );
  readonly #target: LinkTarget;
  readonly #options: ResolvedOptions;
  readonly #listener: LinkListener;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #active: ActiveConnection | undefined;
  #reader: Link | undefined;
  #whenUp = Promise.withResolvers<void>();
  #fail: ((error: unknown) => void) | undefined;
  /** Number of commands without a reply. */
  #pendingCommands = 0;
  /** Time of the last sign of life, by performance.now(). */
  #lastReplyAt = 0;

  constructor(target: LinkTarget, options: ResolvedOptions, listener: LinkListener) {
    this.#target = target;
    this.#options = options;
    this.#listener = listener;
    this.#whenUp.promise.catch(() => {/* callers of `untilUp` get it */});
    this.#ended = this.#run();
  }

  /** Name of the server in the log. */
  get node(): string {
    return this.#target.node;
  }

  /**
   * A second connection to the same server, for reads that need no order with the channels. Redis
   * cuts a connection with subscriptions whose output it cannot send. The first use opens it.
   */
  get reader(): Link {
    return this.#reader ??= new Link(this.#target, this.#options, {
      onUp: () => {},
      onDown: () => {},
      onMessage: () => {},
      onMoved: () => {},
    });
  }

  /** Server run id; undefined while the server is unreachable. */
  get runId(): string | undefined {
    return this.#active?.runId;
  }

  /**
   * Resolves once the link is usable.
   * @throws {BackplaneUnavailable} as a rejection, after `waitMs` or when the link closes
   */
  async untilUp(waitMs: number): Promise<void> {
    if (this.#active) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_, reject) => {
      const giveUp = () =>
        reject(new BackplaneUnavailable(`Redis at ${this.node} is unreachable. Retry shortly.`));
      timer = setTimeout(giveUp, waitMs);
    });
    try {
      await Promise.race([this.#whenUp.promise, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Sends a command. The server executes commands in the order of the calls.
   * @throws {BackplaneUnavailable} as a rejection, and the server's errors
   */
  async command(args: readonly string[]): Promise<unknown> {
    const { client } = this.#requireActive();
    return await this.#await(client.sendCommand(args));
  }

  /** Runs a script; see scripts/room_state.ts for its arguments. Rejects as `command` does. */
  async script(name: ScriptName, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const active = this.#requireActive();
    const rest = [`${keys.length}`, ...keys, ...args];
    try {
      return await this.#await(
        active.client.sendCommand(["EVALSHA", active.digests.get(name) ?? "", ...rest]),
      );
    } catch (error) {
      if (!isReply(error, "NOSCRIPT")) throw error;
      // The server's script cache was flushed.
      return await this.command(["EVAL", SCRIPTS[name], ...rest]);
    }
  }

  /** Subscribes to a channel until `unsubscribe`, or until the connection is lost. */
  async subscribe(channel: string): Promise<void> {
    const { client, channels } = this.#requireActive();
    if (channels.has(channel)) return;
    channels.add(channel);
    await this.#await(client.sSubscribe(channel, this.#onMessage)).catch((error: unknown) => {
      channels.delete(channel);
      throw error;
    });
  }

  /** Unsubscribes from a channel; a lost connection has no subscriptions. */
  unsubscribe(channel: string): void {
    const active = this.#active;
    if (!active?.channels.delete(channel)) return;
    // A failure means that the slot has moved. The client would still consider the channel
    // subscribed, so the link reconnects.
    this.#await(active.client.sUnsubscribe(channel, this.#onMessage)).catch((error: unknown) => {
      if (active === this.#active) this.#fail?.(error);
    });
  }

  /** True if the channel is subscribed. */
  isSubscribed(channel: string): boolean {
    return this.#active?.channels.has(channel) ?? false;
  }

  /** Closes the connection; pending commands reject. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#whenUp.reject(new BackplaneUnavailable("The backplane is closed."));
    this.#fail?.(new BackplaneUnavailable("The backplane is closed."));
    await Promise.all([this.#ended, this.#reader?.close()]);
  }

  readonly #onMessage = (payload: string, channel: string): void => {
    this.#lastReplyAt = performance.now();
    // A lost connection may still deliver messages: its channels are no longer subscribed.
    if (this.#active) this.#listener.onMessage(channel, payload, this.#active.runId);
  };

  #requireActive(): ActiveConnection {
    if (!this.#active) throw new BackplaneUnavailable(`Redis at ${this.node} is unreachable. Retry shortly.`);
    return this.#active;
  }

  async #await<T>(command: Promise<T>): Promise<T> {
    if (this.#pendingCommands++ === 0) this.#lastReplyAt = performance.now();
    try {
      return await command;
    } catch (error) {
      if (error instanceof ErrorReply) {
        // The server became a replica, is still loading, or took away a right. Reconnecting finds a
        // writable server, or tells why there is none.
        if (/^(READONLY|LOADING)\b/.test(error.message) || isRefusal(error.message)) this.#fail?.(error);
        throw isTransient(error) ? new BackplaneUnavailable(error.message, { cause: error }) : error;
      }
      throw new BackplaneUnavailable(`Lost the connection to Redis at ${this.node}. Retry shortly.`, {
        cause: error,
      });
    } finally {
      this.#pendingCommands--;
      this.#lastReplyAt = performance.now();
    }
  }

  /** Reconnects until `close`, with growing pauses. Nothing but `close` ends this loop. */
  async #run(): Promise<void> {
    let attempts = 0;
    while (!this.#closing.signal.aborted) {
      const error = await this.#connectOnce(() => attempts = 0).catch((reason: unknown) => reason);
      if (this.#closing.signal.aborted) return;
      const longest = Math.min(this.#options.retryMs, FIRST_RETRY_MS * 2 ** attempts++);
      const retryMs = Math.round(longest * (0.5 + this.#options.random() / 2));
      this.#options.onEvent({ type: "lost", node: this.node, error, retryMs });
      await pause(retryMs, this.#closing.signal);
    }
  }

  /** Connects, and resolves with the reason once the connection has ended. */
  async #connectOnce(onUp: () => void): Promise<unknown> {
    const client = createConnection(this.#target.url, this.#options);
    const failed = Promise.withResolvers<unknown>();
    this.#fail = failed.resolve;
    client.on("error", failed.resolve);
    client.on("terminated", failed.resolve);
    client.on("sharded-channel-moved", (channel) => {
      this.#active?.channels.delete(String(channel));
      this.#listener.onMoved();
    });
    const timeout = setTimeout(
      () =>
        failed.resolve(
          new Error(`Connecting to Redis at ${this.node} took longer than ${this.#options.connectMs} ms.`),
        ),
      this.#options.connectMs,
    );
    let silenceCheck: ReturnType<typeof setInterval> | undefined;
    try {
      const connecting = prepareConnection(client, this.#target.probeKey()).catch((error: unknown) =>
        failed.resolve(error)
      );
      const active = await Promise.race([connecting, failed.promise.then(() => undefined)]);
      clearTimeout(timeout);
      if (!active || this.#closing.signal.aborted) return await failed.promise;
      silenceCheck = setInterval(
        () => this.#checkSilence(),
        Math.min(this.#options.pingMs, this.#options.commandMs) / 4,
      );
      this.#lastReplyAt = performance.now();
      this.#active = active;
      onUp();
      this.#whenUp.resolve();
      this.#options.onEvent({ type: "connected", node: this.node });
      this.#listener.onUp();
      return await failed.promise;
    } finally {
      clearTimeout(timeout);
      clearInterval(silenceCheck);
      this.#fail = undefined;
      const wasUp = this.#active !== undefined;
      this.#active = undefined;
      if (wasUp) {
        if (!this.#closing.signal.aborted) {
          this.#whenUp = Promise.withResolvers();
          this.#whenUp.promise.catch(() => {/* callers of `untilUp` get it */});
        }
        this.#listener.onDown(await failed.promise);
      }
      client.destroy();
      // The client may have deferred writes to the end of the tick.
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  /** Detects a half-open connection: pings when idle, and reconnects if a command gets no reply. */
  #checkSilence(): void {
    const silentMs = performance.now() - this.#lastReplyAt;
    if (this.#pendingCommands > 0 && silentMs > this.#options.commandMs) {
      this.#fail?.(new Error(`Redis at ${this.node} did not reply for ${Math.round(silentMs)} ms.`));
    } else if (this.#pendingCommands === 0 && silentMs > this.#options.pingMs) {
      this.command(["PING"]).catch(() => {/* `#connectOnce` reports the end */});
    }
  }
}

/** True if the error is a reply of the server that starts with `kind`. */
export function isReply(error: unknown, kind: string): boolean {
  const reply = error instanceof BackplaneUnavailable ? error.cause : error;
  return reply instanceof ErrorReply && reply.message.startsWith(kind);
}

/** True for errors that may pass, so that callers should retry. */
function isTransient({ message }: Error): boolean {
  return /^(LOADING|READONLY|MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|BUSY|OOM|NOREPLICAS|MISCONF|NOAUTH)\b/
    .test(message) || isRefusal(message);
}
