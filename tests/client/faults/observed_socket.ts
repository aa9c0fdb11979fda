import type { ServerFrame, WebSocketClass, WebSocketLike } from "../../../packages/client/mod.ts";

/** Callbacks of a test for a room's sockets. */
export interface SocketObserver {
  /** A socket was made; `protocols` hold the token. */
  readonly onMade?: (protocols: readonly string[]) => void;
  readonly onOpen?: () => void;
  /** Replaces a received frame. */
  readonly hear?: (frame: ServerFrame) => ServerFrame;
}

type Listener = (event: never) => void;

/** A WebSocket class that makes the platform's own sockets and lets a test look on. */
export function observedSocket({ onMade, onOpen, hear }: SocketObserver): WebSocketClass {
  return class implements WebSocketLike {
    readonly #socket: WebSocket;

    constructor(url: string, protocols: string[]) {
      onMade?.(protocols);
      this.#socket = new WebSocket(url, protocols);
      if (onOpen) this.#socket.addEventListener("open", onOpen);
    }

    send(data: string): void {
      this.#socket.send(data);
    }

    close(code?: number, reason?: string): void {
      this.#socket.close(code, reason);
    }

    addEventListener(type: string, listener: Listener): void {
      if (type !== "message" || !hear) return this.#socket.addEventListener(type, listener as EventListener);
      this.#socket.addEventListener("message", ({ data }: MessageEvent<string>) => {
        const value: ServerFrame | readonly ServerFrame[] = JSON.parse(data);
        const heard = "length" in value ? value.map(hear) : hear(value);
        (listener as (event: { readonly data: string }) => void)({ data: JSON.stringify(heard) });
      });
    }
  };
}

/** The token in what a socket was made with. */
export function tokenIn(protocols: readonly string[]): string | undefined {
  return protocols.find((protocol) => protocol.startsWith("jwt-"))?.slice("jwt-".length);
}
