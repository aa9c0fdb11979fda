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

/** How much an error shows of what came. */
const SHOWN_EVENTS = 10;
const SHOWN_CHARACTERS = 2_000;

/** Settles with the next event. */
interface Arrival {
  next: PromiseWithResolvers<void>;
}

/** A subscription, everything that it brought, and a way to wait for more. */
export class Listener {
  /** Everything that came, in the order of its arrival. */
  readonly events: readonly RoomEvent[];
  readonly subscription: Subscription;
  readonly #arrival: Arrival;

  private constructor(subscription: Subscription, events: readonly RoomEvent[], arrival: Arrival) {
    this.subscription = subscription;
    this.events = events;
    this.#arrival = arrival;
  }

  /** Subscribes. Events count from the call on: the first may come before the subscription is at hand. */
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

  /** All durable messages so far, in the order of their arrival. */
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

  /** The ids of all messages so far, durable and not, in the order of their arrival. */
  get ids(): string[] {
    return this.events.flatMap((event) => {
      if (event.type === "messages") return event.messages.map(({ id }) => id);
      return event.type === "ephemeral" ? [event.message.id] : [];
    });
  }

  /** Who is present by what the subscription said in the beginning and since. Throws where the changes make no sense. */
  get present(): PresenceEntry[] {
    const byConnection = new Map(this.subscription.present.map((entry) => [entry.connection, entry]));
    for (const change of this.changes) apply(byConnection, change);
    return byPlace(byConnection.values());
  }

  /** Waits for the message with this id, durable or not. */
  async untilId(id: string): Promise<void> {
    await this.#until(() => this.ids.includes(id), `message ${id}`);
  }

  /** Waits for the durable message with this offset. */
  async untilOffset(offset: number): Promise<void> {
    const isThere = () => offset <= this.subscription.head || this.offsets.includes(offset);
    await this.#until(isThere, `offset ${offset}`);
  }

  /** Waits until this many changes of presence have come. */
  async untilChanges(count: number): Promise<void> {
    await this.#until(() => this.changes.length >= count, `${count} changes of presence`);
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
        const came = JSON.stringify(this.events.slice(-SHOWN_EVENTS)).slice(0, SHOWN_CHARACTERS);
        throw new Error(`Waited for ${awaited}; ${this.events.length} events came, the last: ${came}`, {
          cause,
        });
      });
    }
  }
}

/** Entries in an order of their own: a backplane may list them in any. */
export function byPlace(entries: Iterable<PresenceEntry>): PresenceEntry[] {
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
