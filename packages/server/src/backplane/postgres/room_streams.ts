import { BackplaneUnavailable, type RoomEvent, type Subscription } from "../contract.ts";
import { channelOf } from "./channel.ts";
import type { Connector } from "./connector.ts";
import { RoomStream, type Subscriber } from "./room_stream.ts";
import type { Link } from "./listen_connection.ts";
import { Poller } from "./poller.ts";
import { RoomReader, type Snapshot } from "./statements.ts";
import { within } from "../with_timeout.ts";

/** How many rooms one statement asks for. */
const ROOMS_AT_ONCE = 200;
/** How often a subscription is begun anew since the room's history became another one just then. */
const ATTEMPTS = 3;

/** What the feeds are given. */
export interface FeedsOptions {
  /** How many messages of a room one statement reads. */
  readonly batch: number;
  readonly pollMs: number;
  /** How long it may take to come as far as the room is. */
  readonly statementMs: number;
  readonly onDeliverError: (error: unknown) => void;
}

/** A feed that is in use, or about to be. */
interface Kept {
  readonly feed: RoomStream;
  readonly channel: string;
  /** Subscriptions that are being begun. */
  joining: number;
}

/** The rooms that an isolate follows: those that somebody has subscribed to here, and no others. */
export class RoomStreams {
  readonly #connector: Connector;
  readonly #options: FeedsOptions;
  readonly #reader: RoomReader;
  readonly #byName = new Map<string, Kept>();
  readonly #byChannel = new Map<string, Kept>();
  #link: Link | undefined;
  #poller: Poller | undefined;
  /** What is asked with the next statement. */
  #asked: { readonly kept: Kept; readonly answer: PromiseWithResolvers<Snapshot> }[] = [];

  constructor(connector: Connector, options: FeedsOptions) {
    this.#connector = connector;
    this.#options = options;
    this.#reader = new RoomReader(connector.database, options.batch);
  }

  /** Begins to deliver; see `Backplane.subscribe`. */
  async subscribe(name: string, deliver: (event: RoomEvent) => void): Promise<Subscription> {
    for (let attempt = 1;; attempt++) {
      await this.#connector.connected();
      const kept = this.#keep(name);
      kept.joining++;
      try {
        const snapshot = await this.#begin(kept);
        await within(kept.feed.reach(snapshot), this.#options.statementMs, "Following the room");
        return this.#subscription(kept, deliver);
      } catch (cause) {
        if (kept.feed.hasEnded && attempt < ATTEMPTS) continue;
        if (cause instanceof BackplaneUnavailable) throw cause;
        throw new BackplaneUnavailable("The room cannot be followed now.", { cause });
      } finally {
        kept.joining--;
        this.#releaseIdle(kept);
      }
    }
  }

  /** A notification came. */
  notify(channel: string, payload: string): void {
    this.#byChannel.get(channel)?.feed.notify(payload);
  }

  /** Something was published here: where it has to be asked for, now is the time. */
  poke(): void {
    this.#poller?.poke();
  }

  /** Goes on where it was, over a new connection; what was missed is read and delivered. */
  async connected(link: Link | undefined): Promise<void> {
    this.#link = link;
    const all = [...this.#byName.values()];
    if (link) await Promise.all(all.map(({ channel }) => link.listen(channel)));
    await this.#refresh(all);
    if (link) return;
    this.#poller = new Poller({
      reader: this.#reader,
      pollMs: this.#options.pollMs,
      rooms: () => [...this.#byName.values()],
      refresh: () => this.#refresh([...this.#byName.values()].filter(({ feed }) => feed.isInStep)),
      onTrouble: (error) => this.#connector.fail(error),
    });
  }

  /** The connection is lost. */
  lost(): void {
    this.#link = undefined;
    this.#poller?.close();
    this.#poller = undefined;
    for (const { feed } of this.#byName.values()) feed.hold();
  }

  /** Ends all subscriptions. */
  close(): void {
    this.#poller?.close();
    for (const { feed } of this.#byName.values()) {
      feed.end(new BackplaneUnavailable("The backplane is closed."));
    }
    this.#byName.clear();
    this.#byChannel.clear();
  }

  #keep(name: string): Kept {
    const known = this.#byName.get(name);
    if (known && !known.feed.hasEnded) return known;
    const channel = channelOf(name);
    const feed: RoomStream = new RoomStream({
      name,
      reader: this.#reader,
      onDeliverError: this.#options.onDeliverError,
      onTrouble: (error) => this.#connector.fail(error),
      onReset: () => this.#forget(kept),
    });
    const kept: Kept = { feed, channel, joining: 0 };
    this.#byName.set(name, kept);
    this.#byChannel.set(channel, kept);
    return kept;
  }

  /** How the room is, at a moment from which on everything comes. */
  async #begin(kept: Kept): Promise<Snapshot> {
    const link = this.#link;
    if (!kept.feed.isInStep && link) await link.listen(kept.channel);
    const snapshot = await this.#ask(kept);
    if (this.#link !== link) throw new BackplaneUnavailable("The connection was lost just now.");
    const { feed } = kept;
    // Notifications bring what the snapshot has seen, to a feed that is in step, unless they are of another history.
    if (!link || !feed.isInStep || (feed.epoch !== "" && feed.epoch !== snapshot.epoch)) {
      feed.takeSnapshot(snapshot);
    }
    return snapshot;
  }

  #subscription({ feed, ...kept }: Kept, deliver: (event: RoomEvent) => void): Subscription {
    const subscriber: Subscriber = { deliver };
    feed.add(subscriber);
    return {
      epoch: feed.epoch,
      head: feed.position,
      present: feed.present,
      close: () => {
        feed.remove(subscriber);
        const current = this.#byChannel.get(kept.channel);
        if (current?.feed === feed) this.#releaseIdle(current);
      },
    };
  }

  #releaseIdle(kept: Kept): void {
    if (kept.joining > 0 || !kept.feed.isIdle || this.#byChannel.get(kept.channel) !== kept) return;
    kept.feed.end(new Error("Nobody follows the room any more."));
    this.#forget(kept);
  }

  #forget({ feed, channel }: Kept): void {
    if (this.#byChannel.get(channel)?.feed !== feed) return;
    this.#byChannel.delete(channel);
    this.#byName.delete(feed.name);
    this.#link?.unlisten(channel);
  }

  /** All that is asked in one tick goes as one statement. */
  #ask(kept: Kept): Promise<Snapshot> {
    const answer = Promise.withResolvers<Snapshot>();
    this.#asked.push({ kept, answer });
    if (this.#asked.length === 1) queueMicrotask(() => void this.#answer());
    return answer.promise;
  }

  async #answer(): Promise<void> {
    const asked = this.#asked.splice(0);
    try {
      const snapshots = await this.#snapshots(asked.map(({ kept }) => kept));
      for (const [index, { answer }] of asked.entries()) {
        const snapshot = snapshots[index];
        if (snapshot) answer.resolve(snapshot);
        else answer.reject(new BackplaneUnavailable("The room was deleted just now."));
      }
    } catch (error) {
      for (const { answer } of asked) answer.reject(error);
    }
  }

  async #snapshots(rooms: readonly Kept[]): Promise<(Snapshot | undefined)[]> {
    const snapshots: (Snapshot | undefined)[] = [];
    for (let start = 0; start < rooms.length; start += ROOMS_AT_ONCE) {
      const part = rooms.slice(start, start + ROOMS_AT_ONCE);
      const known = part.map(({ feed }) => {
        const isFollowing = this.#link !== undefined && feed.isInStep;
        return { name: feed.name, ...feed.known, ...(isFollowing ? { position: undefined } : {}) };
      });
      const found = await this.#reader.snapshots(known);
      for (const index of part.keys()) snapshots.push(found[index]);
    }
    return snapshots;
  }

  async #refresh(rooms: readonly Kept[]): Promise<void> {
    const snapshots = await this.#snapshots(rooms);
    for (const [index, { feed }] of rooms.entries()) {
      const snapshot = snapshots[index];
      if (snapshot) feed.takeSnapshot(snapshot);
    }
  }
}
