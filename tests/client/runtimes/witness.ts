import type { Room, RoomMessage, RoomState } from "../../../packages/client/mod.ts";
import { soon } from "./expectation.ts";
import type { Events } from "./world.ts";

/** Sees everything that a room tells, from when it is made. */
export class Witness {
  readonly messages: RoomMessage<Events>[] = [];
  /** Beginning with the one that the room was in. */
  readonly states: RoomState[];
  readonly #room: Room<Events>;

  constructor(room: Room<Events>) {
    this.#room = room;
    this.states = [room.state];
    room.on("state", (state) => void this.states.push(state));
    room.on("message", (message) => void this.messages.push(message));
  }

  /** Their offsets, in the order in which they came. */
  get offsets(): (number | undefined)[] {
    return this.messages.map(({ offset }) => offset);
  }

  /** The `n` of one user's, in the order in which they came. */
  saidBy(user: string): number[] {
    return this.messages.filter(({ from }) => from.user === user).map(({ data }) => data.n);
  }

  /** Codes of the reasons for which it waited, in order. */
  get waits(): string[] {
    return this.states.flatMap((state) => state.type === "waiting" ? [state.reason.code] : []);
  }

  /** Waits until there are so many messages. */
  async untilMessages(count: number): Promise<void> {
    await this.#until("message", () => this.messages.length >= count, `${count} messages`);
  }

  /** Waits for a state; the one that the room is in counts. */
  async untilState(isIt: (state: RoomState) => boolean, what: string): Promise<void> {
    await this.#until("state", () => isIt(this.#room.state), what);
  }

  async #until(kind: "message" | "state", holds: () => boolean, what: string): Promise<void> {
    let end = () => {};
    const held = new Promise<void>((resolve) => {
      const look = () => holds() && resolve();
      end = this.#room.on(kind, look);
      look();
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
