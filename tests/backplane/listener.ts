import { deadline } from "@std/async";
import type {
  Backplane,
  Ephemeral,
  Message,
  PresenceChange,
  PresenceEntry,
  RoomEvent,
  Subscription,
} from "../../packages/server/src/backplane/contract.ts";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";

/** Maximum events and characters that an error shows. */
const SHOWN_EVENTS = 10;
const SHOWN_CHARACTERS = 2_000;

/** Promise that settles with the next event. */
interface Arrival {
  next: PromiseWithResolvers<void>;
}

/** A subscription that records its events and waits for more. */
export class Listener {
  /** Events so far, in the order of arrival. */
  readonly events: readonly RoomEvent[];
  readonly subscription: Subscription;
  readonly #arrival: Arrival;

  private constructor(subscription: Subscription, events: readonly RoomEvent[], arrival: Arrival) {
    this.subscription = subscription;
    this.events = events;
    this.#arrival = arrival;
  }

  /** Subscribes. The first event may arrive before `open` resolves. */
  static async open(backplane: Backplane, room: string): Promise<Listener> {
    const events: RoomEvent[] = [];
    const arrival = { next: Promise.withResolvers<void>() };
    const subscription = await backplane.subscribe(room, (event) => {
      events.push(event);
      arrival.next.resolve();
      arrival.next = Promise.withResolvers();
    });
    return new Listener(subscription, events, arrival);
  }

  /** Durable messages so far, in the order of arrival. */
  get messages(): Message[] {
    return this.events.flatMap((event) => event.type === "messages" ? event.messages : []);
  }

  get offsets(): number[] {
    return this.messages.map(({ offset }) => offset);
  }

  get ephemerals(): Ephemeral[] {
    return this.events.flatMap((event) => event.type === "ephemeral" ? [event.message] : []);
  }

  get changes(): PresenceChange[] {
    return this.events.flatMap((event) => event.type === "presence" ? [event.change] : []);
  }

  /** Ids of all messages so far, durable and ephemeral, in the order of arrival. */
  get ids(): string[] {
    return this.events.flatMap((event) => {
      if (event.type === "messages") return event.messages.map(({ id }) => id);
      return event.type === "ephemeral" ? [event.message.id] : [];
    });
  }

  /**
   * Presence list of the subscription with all changes applied. Throws if a change does not fit.
   */
  get present(): PresenceEntry[] {
    const byConnection = new Map(this.subscription.present.map((entry) => [entry.connection, entry]));
    for (const change of this.changes) apply(byConnection, change);
    return sortEntries(byConnection.values());
  }

  /** Waits for the durable or ephemeral message with this id. */
  async untilId(id: string): Promise<void> {
    await this.#until(() => this.ids.includes(id), `message ${id}`);
  }

  /** Waits for the durable message with this offset. */
  async untilOffset(offset: number): Promise<void> {
    const hasArrived = () => offset <= this.subscription.head || this.offsets.includes(offset);
    await this.#until(hasArrived, `offset ${offset}`);
  }

  /** Waits for this number of presence changes. */
  async untilChanges(count: number): Promise<void> {
    await this.#until(() => this.changes.length >= count, `${count} presence changes`);
  }

  /** Waits until the connection has entered. */
  async untilJoined(connection: string): Promise<void> {
    const hasJoined = () =>
      this.changes.some(({ type, entry }) => type === "joined" && entry.connection === connection);
    await this.#until(hasJoined, `${connection} to join`);
  }

  close(): void {
    this.subscription.close();
  }

  async #until(holds: () => boolean, awaited: string): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!holds()) {
      const left = giveUpAt - performance.now();
      await deadline(this.#arrival.next.promise, Math.max(0, left)).catch((cause: unknown) => {
        const latest = JSON.stringify(this.events.slice(-SHOWN_EVENTS)).slice(0, SHOWN_CHARACTERS);
        throw new Error(`Waited for ${awaited}; ${this.events.length} events arrived, the last: ${latest}`, {
          cause,
        });
      });
    }
  }
}

/** Sorts entries by connection, since a backplane may list them in any order. */
export function sortEntries(entries: Iterable<PresenceEntry>): PresenceEntry[] {
  return Array.from(entries, ({ user, connection, state }) => ({ user, connection, state }))
    .sort((one, other) => one.connection < other.connection ? -1 : 1);
}

function apply(byConnection: Map<string, PresenceEntry>, change: PresenceChange): void {
  const { connection } = change.entry;
  const replaced = change.type === "updated" ? change.previous ?? connection : connection;
  if (byConnection.has(replaced) === (change.type === "joined")) {
    throw new Error(`${JSON.stringify(change)} does not fit ${[...byConnection.keys()].join(", ")}`);
  }
  byConnection.delete(replaced);
  if (change.type !== "left") byConnection.set(connection, change.entry);
}
