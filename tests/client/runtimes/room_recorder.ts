import type { Room, RoomMessage, RoomState } from "../../../packages/client/mod.ts";
import { soon } from "./expectation.ts";
import type { Events } from "./environment.ts";

/** Records all messages and states of a room. */
export class RoomRecorder {
  readonly messages: RoomMessage<Events>[] = [];
  /** States in order, the initial one included. */
  readonly states: RoomState[];
  readonly #room: Room<Events>;

  constructor(room: Room<Events>) {
    this.#room = room;
    this.states = [room.state];
    room.on("state", (state) => void this.states.push(state));
    room.on("message", (message) => void this.messages.push(message));
  }

  /** Offsets of the messages, in order of arrival. */
  get offsets(): (number | undefined)[] {
    return this.messages.map(({ offset }) => offset);
  }

  /** The `n` of one user's messages, in order of arrival. */
  saidBy(user: string): number[] {
    return this.messages.filter(({ from }) => from.user === user).map(({ data }) => data.n);
  }

  /** Error codes of the waits, in order. */
  get waits(): string[] {
    return this.states.flatMap((state) => state.type === "waiting" ? [state.reason.code] : []);
  }

  /** Waits for a number of messages. */
  async untilMessages(count: number): Promise<void> {
    await this.#until("message", () => this.messages.length >= count, `${count} messages`);
  }

  /** Waits for a state; the current one counts. */
  async untilState(isIt: (state: RoomState) => boolean, what: string): Promise<void> {
    await this.#until("state", () => isIt(this.#room.state), what);
  }

  async #until(kind: "message" | "state", holds: () => boolean, what: string): Promise<void> {
    let end = () => {};
    const held = new Promise<void>((resolve) => {
      const check = () => holds() && resolve();
      end = this.#room.on(kind, check);
      check();
    });
    await soon(
      held,
      `${what}; states: ${this.states.map(({ type }) => type)}; messages: ${this.messages.length}`,
    )
      .finally(end);
  }
}

/** 1 to `count`. */
export function oneTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
