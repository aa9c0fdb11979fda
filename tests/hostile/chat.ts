import { assertEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import type { RoomProcess } from "./room_process.ts";
import type { TcpMember } from "../../tools/support/wire/tcp_member.ts";

/** What became of a chat. */
export interface ChatOutcome {
  readonly said: number;
  /** The longest that anybody waited for an answer. */
  readonly slowestMs: number;
}

/** Two members who go on chatting whatever else happens in the room: one says the next thing when the other has heard the last. */
export class Chat implements AsyncDisposable {
  readonly #speaker: TcpMember;
  readonly #listener: TcpMember;
  readonly #talking: Promise<void>;
  #isOver = false;
  #said = 0;
  #slowestMs = 0;

  private constructor(speaker: TcpMember, listener: TcpMember) {
    this.#speaker = speaker;
    this.#listener = listener;
    this.#talking = this.#talk();
    this.#talking.catch(() => {/* end() says it */});
  }

  /** Joins and begins to talk. */
  static async start(rooms: RoomProcess, room: string): Promise<Chat> {
    const [speaker] = await rooms.join(room, { user: "speaker" });
    const [listener] = await rooms.join(room, { user: "listener", plain: true });
    return new Chat(speaker, listener);
  }

  /** Waits until one more thing has been said, and checks that the listener heard everything, once, in order. */
  async end(): Promise<ChatOutcome> {
    const { length } = this.#listener.frames;
    await eventually(() => Promise.resolve(this.#listener.frames.length), (count) => count > length);
    this.#isOver = true;
    await this.#talking;
    const heard = this.#listener.frames.flatMap((frame) =>
      frame.type === "message" && frame.from.user === "speaker" ? [frame.data] : []
    );
    assertEquals(heard, Array.from({ length: this.#said }, (_, index) => index));
    return { said: this.#said, slowestMs: this.#slowestMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#talking.catch(() => {/* end() has said it, or the test has failed */});
    await this.#speaker[Symbol.asyncDispose]();
    await this.#listener[Symbol.asyncDispose]();
  }

  async #talk(): Promise<void> {
    while (!this.#isOver) {
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
      // A pause, or the chat itself would be the load.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
