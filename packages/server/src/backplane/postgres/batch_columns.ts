import type { Draft, Ephemeral, Stored } from "../contract.ts";
import { channelOf } from "./channel.ts";
import { ephemeralRecord } from "./postgres_records.ts";
import { escapeText } from "../wire/wire_text.ts";
import { arrayText } from "./array_text.ts";

/** Answer for a message whose room is locked. */
const LOCKED = "l";

/** Items for one room, in publish order. */
interface RoomBatch {
  readonly items: (Draft | { readonly record: string })[];
  /** True if at least one item is durable. */
  isDurable: boolean;
  /** Positions of each item among everything that was added; several if later ones repeat it. */
  readonly positions: number[][];
  /** Index of each durable item by sender and id. */
  readonly byKey: Map<string, number>;
}

/**
 * Collects messages into the array parameters of `rooms.publish_batch`: grouped by room, each
 * message once.
 */
export class BatchColumns {
  readonly #rooms = new Map<string, RoomBatch>();
  #count = 0;

  /** Adds a durable message. */
  addDraft(name: string, draft: Draft): void {
    const room = this.#room(name);
    const { user } = draft.from;
    const key = `${user.length}:${user}${draft.id}`;
    const position = this.#count++;
    const first = room.byKey.get(key);
    if (first !== undefined) {
      room.positions[first]?.push(position);
      return;
    }
    room.byKey.set(key, room.items.length);
    room.isDurable = true;
    room.items.push(draft);
    room.positions.push([position]);
  }

  /** Adds an ephemeral message: Postgres broadcasts it and stores nothing. */
  addEphemeral(name: string, message: Ephemeral): void {
    const room = this.#room(name);
    room.items.push({ record: ephemeralRecord(message) });
    room.positions.push([this.#count++]);
  }

  /** Builds the parameters that precede the dedupe window. */
  parameters(): string[] {
    const names = [...this.#rooms.keys()];
    const channels = names.map(channelOf);
    const rooms = [...this.#rooms.values()];
    const items = rooms.flatMap((room, index) => room.items.map((item) => ({ item, roomNumber: index + 1 })));
    const column = (read: (draft: Draft) => string | undefined) =>
      arrayText(items.map(({ item }) => {
        const text = "record" in item ? undefined : read(item);
        return text === undefined ? null : escapeText(text);
      }));
    return [
      arrayText(names.map(escapeText)),
      arrayText(channels),
      arrayText(channels.filter((_, index) => rooms[index]?.isDurable)),
      arrayText(items.map(({ roomNumber }) => roomNumber)),
      arrayText(items.map(({ item }) => "record" in item ? item.record : null)),
      column(({ id }) => id),
      column(({ event }) => event),
      column(({ data }) => data),
      column(({ from }) => from.user),
      column(({ from }) => from.connection),
    ];
  }

  /**
   * Parses the answer of `rooms.publish_batch` into one result per added message, in added order.
   * Undefined stands for a message whose room is locked.
   */
  results(answer: string): (Stored | undefined)[] {
    const answers = answer.split(",");
    const stored: (Stored | undefined)[] = [];
    let next = 0;
    for (const { positions } of this.#rooms.values()) {
      for (const [first, ...repetitions] of positions) {
        const answer = answers[next++];
        if (answer === LOCKED) {
          for (const position of [first, ...repetitions]) {
            if (position !== undefined) stored[position] = undefined;
          }
          continue;
        }
        const answered = Number(answer);
        const offset = Math.abs(answered);
        if (first !== undefined) stored[first] = { offset, duplicate: answered < 0 };
        for (const position of repetitions) stored[position] = { offset, duplicate: true };
      }
    }
    return stored;
  }

  #room(name: string): RoomBatch {
    let room = this.#rooms.get(name);
    if (!room) {
      this.#rooms.set(name, room = { items: [], isDurable: false, positions: [], byKey: new Map() });
    }
    return room;
  }
}
