import type { MonotonicClock } from "../../clocks.ts";
import { BackplaneUnavailable, type RoomEvent, type Subscription } from "../contract.ts";
import { channelOf } from "./channel.ts";
import type { Connector } from "./connector.ts";
import { messageOf } from "./database.ts";
import { IgnoredRecords } from "./ignored_records.ts";
import type { PostgresEvent } from "./postgres_options.ts";
import { RoomStream } from "./room_stream.ts";
import type { Subscriber } from "../subscribers.ts";
import type { ListenConnection } from "./listen_connection.ts";
import { Poller } from "./poller.ts";
import { RoomReader, type Snapshot } from "./statements.ts";
import { withTimeout } from "../with_timeout.ts";

/** Rooms that one statement reads. */
const ROOMS_PER_STATEMENT = 200;
/** Attempts to subscribe if the room's history is replaced during each one. */
const ATTEMPTS = 3;

/** Options of `RoomStreams`. */
export interface RoomStreamsOptions {
  /** Messages per room that one statement reads. */
  readonly batch: number;
  readonly pollMs: number;
  /** Timeout for a stream to reach the room's current state, in milliseconds. */
  readonly statementMs: number;
  readonly onDeliverError: (error: unknown) => void;
  readonly onEvent: (event: PostgresEvent) => void;
  readonly now: MonotonicClock;
}

/** A stream that has subscribers, or is about to. */
interface ActiveStream {
  readonly stream: RoomStream;
  readonly channel: string;
  /** Number of subscribe calls in progress. */
  joining: number;
}

/** Streams of the rooms that this isolate has subscriptions to. */
export class RoomStreams {
  readonly #connector: Connector;
  readonly #options: RoomStreamsOptions;
  readonly #reader: RoomReader;
  readonly #ignored: IgnoredRecords;
  readonly #byName = new Map<string, ActiveStream>();
  readonly #byChannel = new Map<string, ActiveStream>();
  #listener: ListenConnection | undefined;
  #poller: Poller | undefined;
  /** Snapshots that the next statement reads. */
  #requested: { readonly active: ActiveStream; readonly answer: PromiseWithResolvers<Snapshot> }[] = [];

  constructor(connector: Connector, options: RoomStreamsOptions) {
    this.#connector = connector;
    this.#options = options;
    this.#reader = new RoomReader(connector.database, options.batch);
    this.#ignored = new IgnoredRecords(options.onEvent, options.now);
  }

  /** Starts to deliver events; see `Backplane.subscribe`. */
  async subscribe(name: string, deliver: (event: RoomEvent) => void): Promise<Subscription> {
    for (let attempt = 1;; attempt++) {
      await this.#connector.connected();
      const active = this.#obtain(name);
      active.joining++;
      try {
        const snapshot = await this.#synchronize(active);
        await withTimeout(
          active.stream.reach(snapshot),
          this.#options.statementMs,
          "Subscribing to the room",
        );
        return this.#subscription(active, deliver);
      } catch (cause) {
        if (active.stream.hasEnded && attempt < ATTEMPTS) continue;
        if (cause instanceof BackplaneUnavailable) throw cause;
        throw new BackplaneUnavailable(`Postgres could not subscribe to the room: ${messageOf(cause)}`, {
          cause,
        });
      } finally {
        active.joining--;
        this.#releaseIdle(active);
      }
    }
  }

  /** Passes a notification to its stream. */
  notify(channel: string, payload: string): void {
    this.#byChannel.get(channel)?.stream.notify(payload);
  }

  /** Reports a local change: the poller, if there is one, polls immediately. */
  wake(): void {
    this.#poller?.wake();
  }

  /** Resumes all streams over a new connection: reads and delivers what they missed. */
  async connected(listener: ListenConnection | undefined): Promise<void> {
    this.#listener = listener;
    const all = [...this.#byName.values()];
    if (listener) await Promise.all(all.map(({ channel }) => listener.listen(channel)));
    await this.#refresh(all);
    if (listener) return;
    this.#poller = new Poller({
      reader: this.#reader,
      pollMs: this.#options.pollMs,
      rooms: () => [...this.#byName.values()],
      refresh: () => this.#refresh([...this.#byName.values()].filter(({ stream }) => stream.isSynced)),
      onFailure: (error) => this.#connector.fail(error),
    });
  }

  /** Keeps rooms that have subscriptions, but no messages, from being removed. */
  async keepUnused(): Promise<void> {
    await this.#refresh([...this.#byName.values()].filter(({ stream }) => stream.position === 0));
  }

  /** Reports a lost connection. */
  lost(): void {
    this.#listener = undefined;
    this.#poller?.close();
    this.#poller = undefined;
    for (const { stream } of this.#byName.values()) stream.suspend();
  }

  /** Ends all subscriptions. */
  close(): void {
    this.#poller?.close();
    for (const { stream } of this.#byName.values()) {
      stream.end(new BackplaneUnavailable("The backplane is closed."));
    }
    this.#byName.clear();
    this.#byChannel.clear();
  }

  #obtain(name: string): ActiveStream {
    const known = this.#byName.get(name);
    if (known && !known.stream.hasEnded) return known;
    const channel = channelOf(name);
    const stream: RoomStream = new RoomStream({
      name,
      reader: this.#reader,
      onDeliverError: this.#options.onDeliverError,
      onReadFailure: (error) => this.#connector.fail(error),
      onReset: () => this.#forget(active),
      onIgnored: (reason) => this.#ignored.add(name, reason),
    });
    const active: ActiveStream = { stream, channel, joining: 0 };
    this.#byName.set(name, active);
    this.#byChannel.set(channel, active);
    return active;
  }

  /** Takes a snapshot at a moment after which notifications cannot be missed. */
  async #synchronize(active: ActiveStream): Promise<Snapshot> {
    const listener = this.#listener;
    if (!active.stream.isSynced && listener) await listener.listen(active.channel);
    const snapshot = await this.#requestSnapshot(active);
    if (this.#listener !== listener) {
      throw new BackplaneUnavailable("The connection to Postgres was lost during the subscribe. Retry.");
    }
    const { stream } = active;
    // Notifications bring a synced stream to the snapshot's state, unless the epoch is another one.
    if (!listener || !stream.isSynced || (stream.epoch !== "" && stream.epoch !== snapshot.epoch)) {
      stream.receiveSnapshot(snapshot);
    }
    return snapshot;
  }

  #subscription({ stream, ...active }: ActiveStream, deliver: (event: RoomEvent) => void): Subscription {
    const subscriber: Subscriber = { deliver };
    stream.add(subscriber);
    return {
      epoch: stream.epoch,
      head: stream.position,
      present: stream.present,
      close: () => {
        stream.remove(subscriber);
        const current = this.#byChannel.get(active.channel);
        if (current?.stream === stream) this.#releaseIdle(current);
      },
    };
  }

  #releaseIdle(active: ActiveStream): void {
    if (active.joining > 0 || !active.stream.isIdle || this.#byChannel.get(active.channel) !== active) return;
    active.stream.end(new Error("The room has no subscriptions left."));
    this.#forget(active);
  }

  #forget({ stream, channel }: ActiveStream): void {
    if (this.#byChannel.get(channel)?.stream !== stream) return;
    this.#byChannel.delete(channel);
    this.#byName.delete(stream.name);
    this.#listener?.unlisten(channel);
  }

  /** Reads a snapshot. All requests of one tick share a statement. */
  #requestSnapshot(active: ActiveStream): Promise<Snapshot> {
    const answer = Promise.withResolvers<Snapshot>();
    this.#requested.push({ active, answer });
    if (this.#requested.length === 1) queueMicrotask(() => void this.#readRequested());
    return answer.promise;
  }

  async #readRequested(): Promise<void> {
    const requested = this.#requested.splice(0);
    try {
      const snapshots = await this.#snapshots(requested.map(({ active }) => active));
      for (const [index, { answer }] of requested.entries()) {
        const snapshot = snapshots[index];
        if (snapshot) answer.resolve(snapshot);
        else {answer.reject(
            new BackplaneUnavailable("Postgres removed the room during the subscribe. Retry."),
          );}
      }
    } catch (error) {
      for (const { answer } of requested) answer.reject(error);
    }
  }

  async #snapshots(rooms: readonly ActiveStream[]): Promise<(Snapshot | undefined)[]> {
    const snapshots: (Snapshot | undefined)[] = [];
    for (let start = 0; start < rooms.length; start += ROOMS_PER_STATEMENT) {
      const group = rooms.slice(start, start + ROOMS_PER_STATEMENT);
      const known = group.map(({ stream }) => {
        const isListening = this.#listener !== undefined && stream.isSynced;
        return { name: stream.name, ...stream.knownState, ...(isListening ? { position: undefined } : {}) };
      });
      const found = await this.#reader.snapshots(known);
      for (const index of group.keys()) snapshots.push(found[index]);
    }
    return snapshots;
  }

  async #refresh(rooms: readonly ActiveStream[]): Promise<void> {
    const snapshots = await this.#snapshots(rooms);
    for (const [index, { stream }] of rooms.entries()) {
      const snapshot = snapshots[index];
      if (snapshot) stream.receiveSnapshot(snapshot);
    }
  }
}
