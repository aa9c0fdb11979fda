import type { Draft, Ephemeral, Stored } from "../contract.ts";
import { channelOf } from "./channel.ts";
import { ephemeralRecord } from "./postgres_records.ts";
import { escapeText } from "../wire/wire_text.ts";
import { arrayText } from "./array_text.ts";

/** What goes to one room, in its order. */
interface RoomBatch {
  readonly items: (Draft | { readonly record: string })[];
  /** Whether some of it is durable. */
  isDurable: boolean;
  /** Its items' place among all that were added; several where one repeats another. */
  readonly places: number[][];
  /** Durable items by sender and id. */
  readonly byKey: Map<string, number>;
}

/** What is added, as the arrays that `rooms.publish_batch` takes: room by room, each message once. */
export class BatchColumns {
  readonly #rooms = new Map<string, RoomBatch>();
  #count = 0;

  /** Adds a message that is stored. */
  addDraft(name: string, draft: Draft): void {
    const room = this.#room(name);
    const { user } = draft.from;
    const key = `${user.length}:${user}${draft.id}`;
    const place = this.#count++;
    const first = room.byKey.get(key);
    if (first !== undefined) {
      room.places[first]?.push(place);
      return;
    }
    room.byKey.set(key, room.items.length);
    room.isDurable = true;
    room.items.push(draft);
    room.places.push([place]);
  }

  /** Adds a message that is told only. */
  addEphemeral(name: string, message: Ephemeral): void {
    const room = this.#room(name);
    room.items.push({ record: ephemeralRecord(message) });
    room.places.push([this.#count++]);
  }

  /** The parameters up to the dedupe window. */
  parameters(): string[] {
    const names = [...this.#rooms.keys()];
    const channels = names.map(channelOf);
    const rooms = [...this.#rooms.values()];
    const items = rooms.flatMap((room, index) => room.items.map((item) => ({ item, place: index + 1 })));
    const column = (read: (draft: Draft) => string | undefined) =>
      arrayText(items.map(({ item }) => {
        const text = "record" in item ? undefined : read(item);
        return text === undefined ? null : escapeText(text);
      }));
    return [
      arrayText(names.map(escapeText)),
      arrayText(channels),
      arrayText(channels.filter((_, index) => rooms[index]?.isDurable)),
      arrayText(items.map(({ place }) => place)),
      arrayText(items.map(({ item }) => "record" in item ? item.record : null)),
      column(({ id }) => id),
      column(({ event }) => event),
      column(({ data }) => data),
      column(({ from }) => from.user),
      column(({ from }) => from.connection),
    ];
  }

  /** What became of what was added, in the order in which it was, by the function's answer. */
  results(answer: string): Stored[] {
    const offsets = answer.split(",").map(Number);
    const stored: Stored[] = [];
    let next = 0;
    for (const { places } of this.#rooms.values()) {
      for (const [first, ...repetitions] of places) {
        const answered = offsets[next++] ?? 0;
        const offset = Math.abs(answered);
        if (first !== undefined) stored[first] = { offset, duplicate: answered < 0 };
        for (const place of repetitions) stored[place] = { offset, duplicate: true };
      }
    }
    return stored;
  }

  #room(name: string): RoomBatch {
    let room = this.#rooms.get(name);
    if (!room) {
      this.#rooms.set(name, room = { items: [], isDurable: false, places: [], byKey: new Map() });
    }
    return room;
  }
}
