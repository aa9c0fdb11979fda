import { assertEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import type { RoomProcess } from "./room_process.ts";
import type { TcpMember } from "../../tools/support/wire/tcp_member.ts";

/** Result of a chat. */
export interface ChatOutcome {
  readonly said: number;
  /** Longest wait for an answer. */
  readonly slowestMs: number;
}

/** Two members that chat during an attack: one publishes after the other has received the last. */
export class Chat implements AsyncDisposable {
  readonly #speaker: TcpMember;
  readonly #listener: TcpMember;
  readonly #chatting: Promise<void>;
  #isEnded = false;
  #said = 0;
  #slowestMs = 0;

  private constructor(speaker: TcpMember, listener: TcpMember) {
    this.#speaker = speaker;
    this.#listener = listener;
    this.#chatting = this.#chat();
    this.#chatting.catch(() => {/* end() reports the failure */});
  }

  /** Joins and starts to publish. */
  static async start(rooms: RoomProcess, room: string): Promise<Chat> {
    const [speaker] = await rooms.join(room, { user: "speaker" });
    const [listener] = await rooms.join(room, { user: "listener", plain: true });
    return new Chat(speaker, listener);
  }

  /** Waits for one more message, and checks that the listener received each once, in order. */
  async end(): Promise<ChatOutcome> {
    const { length } = this.#listener.frames;
    await eventually(() => Promise.resolve(this.#listener.frames.length), (count) => count > length);
    this.#isEnded = true;
    await this.#chatting;
    const heard = this.#listener.frames.flatMap((frame) =>
      frame.type === "message" && frame.from.user === "speaker" ? [frame.data] : []
    );
    assertEquals(heard, Array.from({ length: this.#said }, (_, index) => index));
    return { said: this.#said, slowestMs: this.#slowestMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    await this.#chatting.catch(() => {/* end() reported the failure, or the test failed */});
    await this.#speaker[Symbol.asyncDispose]();
    await this.#listener[Symbol.asyncDispose]();
  }

  async #chat(): Promise<void> {
    while (!this.#isEnded) {
      const data = this.#said;
      const startedAt = performance.now();
      const heard = this.#listener.until(
        (frame) => frame.type === "message" && frame.data === data,
        `message ${data}`,
      );
      heard.catch(() => {/* awaited below */});
      await this.#speaker.request({ type: "publish", id: `said ${data}`, event: "chat", data });
      await heard;
      this.#said += 1;
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAt);
      // Without a pause, the chat itself would be the load.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
