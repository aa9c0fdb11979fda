import type { User } from "../../auth/user.ts";
import { type ErrorCode, type ErrorDetails, errorFrame } from "../../../../protocol/error_codes.ts";
import type { Socket, SocketClose } from "../../socket/socket.ts";
import type { FrameQueue } from "./frame_queue.ts";

/** Options of `RoomSocket`. */
export interface RoomSocketOptions {
  /** The socket that the rooms share. */
  readonly socket: Socket;
  readonly queue: FrameQueue;
  /** Called once, when the room's part is closed. */
  readonly onClose: (close: SocketClose) => void;
}

/**
 * One room's part of a socket for many rooms. Its id is the connection in that room; closing it
 * leaves the socket open.
 */
export class RoomSocket implements Socket {
  readonly id: string = crypto.randomUUID();
  readonly #options: RoomSocketOptions;
  #isClosed = false;

  constructor(options: RoomSocketOptions) {
    this.#options = options;
  }

  get user(): User {
    return this.#options.socket.user;
  }

  get protocol(): string {
    return this.#options.socket.protocol;
  }

  get isOpen(): boolean {
    return !this.#isClosed && this.#options.socket.isOpen;
  }

  get received(): number {
    return this.#options.socket.received;
  }

  get isSlow(): boolean {
    return this.#options.socket.isSlow;
  }

  send(data: string | ArrayBuffer | Uint8Array): boolean {
    if (typeof data !== "string" || !this.isOpen) return false;
    this.#options.queue.push(data);
    return true;
  }

  async drained(): Promise<void> {
    this.#options.queue.flush();
    await this.#options.socket.drained();
  }

  sendJson(value: unknown): boolean {
    return this.send(JSON.stringify(value));
  }

  sendError(code: ErrorCode, details?: ErrorDetails): boolean {
    return this.sendJson(errorFrame(code, details));
  }

  close(code: number = 1000, reason: string = ""): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.onClose({ code, reason });
  }
}
