import { delay } from "@std/async";
import { Conditions } from "./conditions.ts";
import { Conversation } from "./conversation.ts";
import { EventCounts, type ProxyEvent } from "./event_counts.ts";
import type { Direction, PerDirection } from "./direction.ts";
import type { CutWay, Faults, Hold, Place } from "./faults.ts";
import type { Piece } from "./frame_splitter.ts";
import { Lane, type LaneEnd } from "./lane.ts";
import { PlaceWatch } from "./place_watch.ts";
import type { SeenMessage } from "./seen_message.ts";
import type { SeenRequest } from "./seen_request.ts";
import type { TcpSevering } from "./tcp_severing.ts";

/** Options of a connection. */
interface ProxiedConnectionOptions {
  readonly client: Deno.TcpConn;
  readonly server: Deno.TcpConn;
  readonly severing: TcpSevering;
  /** Conditions of all connections. */
  readonly conditions: Conditions;
  /** Returns the faults from this request on. */
  readonly faultsFor: (head: SeenRequest, connection: ProxiedConnection) => Faults;
  readonly onEvent: (event: ProxyEvent) => void;
  readonly onMessage: (message: SeenMessage) => void;
}

/** One connection through the proxy, with a TCP connection to each peer. */
export class ProxiedConnection {
  readonly #options: ProxiedConnectionOptions;
  readonly #conditions: Conditions;
  readonly #events = new EventCounts();
  readonly #abort = new AbortController();
  readonly #ended = new Set<Direction>();
  readonly #holding: Promise<void>[] = [];
  readonly #places = { toClient: new PlaceWatch(), toServer: new PlaceWatch() } as const;
  readonly #lanes: Readonly<Record<Direction, Lane>>;
  #cutWay: CutWay = "reset";
  #target = "";

  constructor(options: ProxiedConnectionOptions) {
    this.#options = options;
    this.#conditions = new Conditions(options.conditions);
    const conversation = new Conversation({
      onRequest: (head) => this.#onRequest(head),
      onUpgraded: () => this.#emit("upgraded"),
    });
    const { client, server } = options;
    this.#lanes = {
      toClient: this.#lane("toClient", server, client, conversation),
      toServer: this.#lane("toServer", client, server, conversation),
    };
  }

  /** Path and query of the last request, tokens masked; empty before the first. */
  get target(): string {
    return this.#target;
  }

  get isOver(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Forwards bytes until the connection ends; rejects if `onMessage` threw. */
  async run(): Promise<void> {
    const running = [...this.#lanes.toClient.run(), ...this.#lanes.toServer.run()];
    try {
      await Promise.all(running);
    } finally {
      this.#finish("closed", "fin");
      await Promise.allSettled(running);
      await Promise.all(this.#holding);
    }
  }

  /** Number of forwarded bytes of a direction, HTTP heads included. */
  bytes(direction: Direction): number {
    return this.#lanes[direction].written;
  }

  /** Number of times an event has occurred on this connection. */
  count(event: ProxyEvent): number {
    return this.#events.count(event);
  }

  /** Waits for `count` occurrences on this connection; rejects after `withinMs`. */
  async until(event: ProxyEvent, count?: number, withinMs?: number): Promise<void> {
    await this.#events.until(event, count, withinMs);
  }

  /** Cuts both sides; queued bytes are lost. */
  cut(way: CutWay = this.#cutWay): void {
    this.#finish("cut", way);
  }

  /** Ends the connection without an answer. */
  refuse(): void {
    this.#finish("refused", this.#cutWay);
  }

  /** Receives bytes and the end of either side, and forwards nothing, unnoticed by both peers. */
  hold(direction?: Direction): void {
    if (this.isOver) return;
    this.#conditions.hold(direction);
    this.#emit("held");
    this.wake();
  }

  /** Forwards the held bytes in order, as TCP does once a network is back. */
  release(direction?: Direction): void {
    if (this.isOver) return;
    this.#conditions.release(direction);
    this.#emit("released");
    this.wake();
  }

  /** Delays each new chunk, in addition to the delay for all connections. */
  delay(ms: PerDirection): void {
    this.#conditions.delay(ms);
  }

  /** Limits reading; 0 stops it, Infinity removes the limit. */
  throttle(bytesPerSecond: PerDirection): void {
    this.#conditions.throttle(bytesPerSecond);
    this.wake();
  }

  /** Checks the conditions again. */
  wake(): void {
    for (const lane of Object.values(this.#lanes)) lane.wake();
  }

  #lane(direction: Direction, source: Deno.TcpConn, sink: Deno.TcpConn, conversation: Conversation): Lane {
    const places = this.#places[direction];
    return new Lane({
      direction,
      source,
      sink,
      places,
      conditions: this.#conditions,
      signal: this.#abort.signal,
      take: (chunk) => {
        const pieces = conversation.take(direction, chunk, places.needsWholeMessages);
        for (const { message } of pieces) {
          if (message) this.#options.onMessage(message);
        }
        return pieces;
      },
      takeRest: () => conversation.takeRest(direction),
      onPassed: (piece) => this.#countMessage(piece),
      onEnd: (end) => this.#onEnd(direction, end),
      onBroken: () => this.#onBroken(direction),
    });
  }

  #onRequest(head: SeenRequest): void {
    this.#target = head.target;
    const faults = this.#options.faultsFor(head, this);
    this.#emit("request");
    if (head.isUpgrade) this.#emit("opened");
    this.#apply(faults);
  }

  #apply({ cut, cutWay, hold, delayMs, bytesPerSecond, refuse }: Faults): void {
    if (cutWay) this.#cutWay = cutWay;
    if (refuse) return this.refuse();
    if (delayMs !== undefined) this.delay(delayMs);
    if (bytesPerSecond !== undefined) this.throttle(bytesPerSecond);
    if (cut) this.#at(cut, () => this.cut());
    if (hold?.from) this.#at(hold.from, () => this.#beginHold(hold));
    else if (hold) this.#beginHold(hold);
  }

  #at(place: Place, onReached: () => void): void {
    const places = this.#places[place.direction];
    places.watch(place, places.position, onReached);
  }

  #beginHold(hold: Hold): void {
    this.hold(hold.direction);
    if (hold.ms !== undefined) this.#holding.push(this.#endHold(hold, hold.ms));
  }

  async #endHold({ direction, then }: Hold, ms: number): Promise<void> {
    await delay(ms, { signal: this.#abort.signal }).catch(() => {/* the connection has ended */});
    if (then === "cut") this.cut();
    else this.release(direction);
  }

  #countMessage({ message }: Piece): void {
    if (message?.isData) this.#emit(message.direction === "toClient" ? "messageToClient" : "messageToServer");
  }

  #onEnd(direction: Direction, end: LaneEnd): void {
    this.#ended.add(direction);
    const other = oppositeOf(direction);
    if (end === "reset") this.#finish("closed", "reset");
    else if (this.#ended.has(other) || this.#lanes[other].isBroken) this.#finish("closed", "fin");
  }

  /** Ends the connection once the broken sink's own end, which may be held, was forwarded. */
  #onBroken(direction: Direction): void {
    if (this.#ended.has(oppositeOf(direction))) this.#finish("closed", "reset");
  }

  #finish(event: "cut" | "closed" | "refused", way: CutWay): void {
    if (this.isOver) return;
    this.#abort.abort();
    const { severing, client, server } = this.#options;
    severing.sever(client, way);
    severing.sever(server, way);
    this.#emit(event);
  }

  #emit(event: ProxyEvent): void {
    this.#events.add(event);
    this.#options.onEvent(event);
  }
}

function oppositeOf(direction: Direction): Direction {
  return direction === "toClient" ? "toServer" : "toClient";
}
