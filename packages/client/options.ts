import type { Position } from "../protocol/frames.ts";
import type { Clock } from "./clock.ts";
import type { OutboxStorage } from "./outbox_storage.ts";

/** Argument of the token callback. */
export interface TokenRequest {
  /** True if the last token expired or was refused: refresh the session, return no cached token. */
  readonly refresh: boolean;
}

/**
 * Callback that returns the token. The client awaits it before every connect and when the token is
 * about to expire. Without a token (undefined, null, "") the room closes with `signed_out`. Throw
 * if a token cannot be had now, for example while Auth is away: the client calls it again later.
 */
export type TokenSource = (request: TokenRequest) => TokenAnswer | Promise<TokenAnswer>;
/** What a ticket is requested with. */
export interface TicketServer {
  readonly addresses: { readonly whoami: URL };
  readonly fetch: typeof fetch;
}

/** Gets a one-use ticket for a token. `requestTicket` is one. */
export type TicketSource = (token: string, server: TicketServer) => Promise<string>;

/** A token, or none. */
export type TokenAnswer = string | null | undefined;

/** The used part of a WebSocket; browsers, Deno, Node 22, Bun and the package `ws` have it. */
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

/** Options of a room. Only `token` is required. */
export interface RoomOptions {
  readonly token: TokenSource;
  /** Number of earlier messages to replay on the first connect, 0 to 500. Default: 0. */
  readonly history?: number | undefined;
  /**
   * Position to resume from on the first connect, an earlier `room.position`. Excludes `history`.
   */
  readonly resume?: Position | undefined;
  /** Closes the room with the reason `aborted`. */
  readonly signal?: AbortSignal | undefined;
  readonly outbox?: {
    /**
     * Most messages that wait for their ack; one more is refused with `outbox_full`. Default:
     * 1,000.
     */
    readonly limit?: number | undefined;
    /** Retains them over a reload. Default: memory only. */
    readonly storage?: OutboxStorage | undefined;
  } | undefined;
  /** Place of the token in the request. Default: a subprotocol, since proxies log addresses. */
  readonly tokenPlace?: "subprotocol" | "query" | undefined;
  /**
   * `requestTicket`: connects with a one-use ticket in the address, and no token in the address or a
   * subprotocol. Default: none.
   */
  readonly ticket?: TicketSource | undefined;
  /**
   * Bounds of the wait between attempts, in milliseconds: full jitter up to `minMs`, doubled each
   * time, at most `maxMs`. Default: 500, 30,000.
   */
  readonly retry?: { readonly minMs?: number | undefined; readonly maxMs?: number | undefined } | undefined;
  readonly timeouts?: {
    /** Longest token callback, in milliseconds. Default: 30,000. */
    readonly tokenMs?: number | undefined;
    /** Longest time from opening a socket to `welcome`. Default: 10,000. */
    readonly connectMs?: number | undefined;
    /** Longest wait for the answer to a probe. Default: 4,000. */
    readonly probeMs?: number | undefined;
  } | undefined;
  /** Most unread messages of an iterator before it fails with `overflow`. Default: 10,000. */
  readonly iteratorLimit?: number | undefined;
  /** Default: the global one. Node 20 has none: pass the package `ws`. */
  readonly WebSocket?: WebSocketClass | undefined;
  /** Diagnoses refused upgrades. Default: the global one. */
  readonly fetch?: typeof fetch | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Returns 0 to 1, 1 excluded. Default: Math.random. */
  readonly random?: (() => number) | undefined;
}
