import { assertEquals } from "@std/assert";
import { type Ending, SocketClient } from "../../../tools/support/wire/socket_client.ts";
import { PUBLISHABLE_KEY } from "./publishable_key.ts";

/** A frame of the server: join reference, reference, topic, event, payload. */
export type Frame = readonly [string | null, string | null, string, string, Record<string, unknown>];

/** A client that sends single frames of serializer 2.0.0, right or wrong ones. */
export class PhoenixClient implements AsyncDisposable {
  readonly #socket: SocketClient;
  #ref = 0;

  private constructor(socket: SocketClient) {
    this.#socket = socket;
  }

  static async connect(
    server: { readonly port: number },
    key: string = PUBLISHABLE_KEY,
    vsn: "1.0.0" | "2.0.0" = "2.0.0",
  ): Promise<PhoenixClient> {
    const url = `ws://127.0.0.1:${server.port}/realtime/websocket?vsn=${vsn}&apikey=${
      encodeURIComponent(key)
    }`;
    return new PhoenixClient(await SocketClient.open(url));
  }

  /** Sends a frame; returns its reference. */
  push(joinRef: string | null, topic: string, event: string, payload: unknown = {}): string {
    const ref = String(++this.#ref);
    this.#socket.send(JSON.stringify([joinRef, ref, topic, event, payload]));
    return ref;
  }

  /** Sends a join; returns its reference. */
  join(topic: string, config: unknown = {}, more: Record<string, unknown> = {}): string {
    const ref = String(++this.#ref);
    this.#socket.send(JSON.stringify([ref, ref, topic, "phx_join", { config, ...more }]));
    return ref;
  }

  /** Joins a channel; rejects unless the answer is ok. */
  async joined(topic: string, config: unknown = {}, more: Record<string, unknown> = {}): Promise<string> {
    const ref = this.join(topic, config, more);
    assertEquals(await this.next(), [ref, ref, topic, "phx_reply", {
      status: "ok",
      response: { postgres_changes: [] },
    }]);
    return ref;
  }

  send(data: string | ArrayBuffer): void {
    this.#socket.send(data);
  }

  /** Waits for the next message. */
  async next(): Promise<Frame> {
    const data = await this.#socket.next();
    if (typeof data !== "string") throw new Error("The next message is bytes.");
    return JSON.parse(data);
  }

  /** Waits for the next message of either kind. */
  async nextOfAny(): Promise<Frame | Uint8Array> {
    const data = await this.#socket.next();
    return typeof data === "string" ? JSON.parse(data) : new Uint8Array(data);
  }

  async nextBytes(): Promise<Uint8Array> {
    const data = await this.#socket.next();
    if (typeof data === "string") throw new Error(`The next message is text: ${data}`);
    return new Uint8Array(data);
  }

  /** Fails if something was received before the answer to a heartbeat. */
  async silence(): Promise<void> {
    const ref = this.push(null, "phoenix", "heartbeat");
    assertEquals(await this.next(), [null, ref, "phoenix", "phx_reply", { status: "ok", response: {} }]);
  }

  /** Closes as a broken client does. Without a reason, Deno 2.1.4 omits the code. */
  drop(): void {
    this.#socket.close(4000, "dropped");
  }

  closed(): Promise<Ending> {
    return this.#socket.closed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket[Symbol.asyncDispose]();
  }
}
