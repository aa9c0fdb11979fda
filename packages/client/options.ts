import type { Clock } from "./clock.ts";
import type { Position } from "../protocol/frames.ts";
import type { OutboxStorage } from "./outbox_storage.ts";

/** What the token callback is told. */
export interface TokenRequest {
  /** True: the last token expired or was refused, so a kept one will not do: refresh the session. */
  readonly refresh: boolean;
}

/**
 * Where the token comes from: a callback, awaited before every connect and when the token is about to expire. Without a token
 * (undefined, null, "") the user is signed out, and the room closes with `signed_out`. A callback that throws is asked again.
 */
export type TokenSource = (request: TokenRequest) => TokenAnswer | Promise<TokenAnswer>;
/** A token, or none. */
export type TokenAnswer = string | null | undefined;

/** The part of a WebSocket that is used; browsers, Deno, Node 22, Bun and the package `ws` have it. */
export interface WebSocketLike {
  send(data: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "error", listener: () => void): void;
  addEventListener(
    type: "close",
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
}

/** A WebSocket class. */
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

/** How a room is connected to. Only `token` has to be there. */
export interface RoomOptions {
  readonly token: TokenSource;
  /** On the first connect: brings the last so many messages, 0 to 500. Default: 0, live from now. */
  readonly history?: number | undefined;
  /** On the first connect: goes on after this position, one that `room.position` gave earlier. Not together with `history`. */
  readonly resume?: Position | undefined;
  /** Closes the room when aborted, with the reason `aborted`. */
  readonly signal?: AbortSignal | undefined;
  readonly outbox?: {
    /** Messages that may wait for their ack; one more is refused with `outbox_full`. Default: 1,000. */
    readonly limit?: number | undefined;
    /** Keeps them over a reload. Default: they are kept in memory only. */
    readonly storage?: OutboxStorage | undefined;
  } | undefined;
  /** How the token travels. Default: as a subprotocol, since addresses are logged on the way. */
  readonly tokenPlace?: "subprotocol" | "query" | undefined;
  /** Bounds of the wait between attempts, in milliseconds: full jitter up to `minMs`, doubled each time, at most `maxMs`. Default: 500, 30,000. */
  readonly retry?: { readonly minMs?: number | undefined; readonly maxMs?: number | undefined } | undefined;
  readonly timeouts?: {
    /** For the token callback, in milliseconds. Default: 30,000. */
    readonly tokenMs?: number | undefined;
    /** From opening a socket to `welcome`. Default: 10,000. */
    readonly connectMs?: number | undefined;
    /** For the answer to a probe, which is sent on waking up and after silence. Default: 4,000. */
    readonly probeMs?: number | undefined;
  } | undefined;
  /** Messages that an iterator may fall behind before it fails with `overflow`. Default: 10,000. */
  readonly iteratorLimit?: number | undefined;
  /** Default: the global one. Node 20 has none: pass the package `ws`. */
  readonly WebSocket?: WebSocketClass | undefined;
  /** Asks why an upgrade was refused. Default: the global one. */
  readonly fetch?: typeof fetch | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
  /** From 0 to 1, 1 excluded. Default: Math.random. */
  readonly random?: (() => number) | undefined;
}
