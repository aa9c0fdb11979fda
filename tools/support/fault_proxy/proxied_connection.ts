import { delay } from "@std/async";
import { Conditions } from "./conditions.ts";
import { Conversation } from "./conversation.ts";
import { EventCounts, type ProxyEvent } from "./event_counts.ts";
import type { CutWay, Direction, Faults, Hold, PerDirection, Place } from "./faults.ts";
import type { Piece } from "./frame_splitter.ts";
import { Lane, type LaneEnd } from "./lane.ts";
import { PlaceWatch } from "./place_watch.ts";
import type { SeenMessage } from "./seen_message.ts";
import type { SeenRequest } from "./seen_request.ts";
import type { TcpSevering } from "./tcp_severing.ts";

/** What a connection works with. */
export interface ProxiedConnectionOptions {
  readonly client: Deno.TcpConn;
  readonly server: Deno.TcpConn;
  readonly severing: TcpSevering;
  /** Of all connections. */
  readonly conditions: Conditions;
  /** What goes wrong from this request on. */
  readonly faultsFor: (head: SeenRequest, connection: ProxiedConnection) => Faults;
  readonly onEvent: (event: ProxyEvent) => void;
  readonly onMessage: (message: SeenMessage) => void;
}

/** One connection through the proxy: to the client it is the server, to the server the client. */
export class ProxiedConnection {
  readonly #options: ProxiedConnectionOptions;
  readonly #conditions: Conditions;
  readonly #events = new EventCounts();
  readonly #over = new AbortController();
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
      onRequest: (head) => this.#takeRequest(head),
      onUpgraded: () => this.#tell("upgraded"),
    });
    const { client, server } = options;
    this.#lanes = {
      toClient: this.#lane("toClient", server, client, conversation),
      toServer: this.#lane("toServer", client, server, conversation),
    };
  }

  /** Path and query of the last request, tokens masked; empty until there was one. */
  get target(): string {
    return this.#target;
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Carries bytes until the connection is over; rejects when `onMessage` threw. */
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

  /** Bytes that have gone on in a direction, HTTP heads included. */
  bytes(direction: Direction): number {
    return this.#lanes[direction].written;
  }

  /** How often something has happened to this connection. */
  count(event: ProxyEvent): number {
    return this.#events.count(event);
  }

  /** Waits until something has happened to this connection `count` times in all; rejects when that takes longer than `withinMs`. */
  async until(event: ProxyEvent, count?: number, withinMs?: number): Promise<void> {
    await this.#events.until(event, count, withinMs);
  }

  /** Breaks it off on both sides; what is under way is lost. */
  cut(way: CutWay = this.#cutWay): void {
    this.#finish("cut", way);
  }

  /** Ends it without an answer. */
  refuse(): void {
    this.#finish("refused", this.#cutWay);
  }

  /** Takes bytes from now on, and the end of either side, and lets nothing go on; nobody is told. */
  hold(direction?: Direction): void {
    if (this.isOver) return;
    this.#conditions.hold(direction);
    this.#tell("held");
    this.wake();
  }

  /** Lets everything that was held go on, in order: as TCP does when a network is back. */
  release(direction?: Direction): void {
    if (this.isOver) return;
    this.#conditions.release(direction);
    this.#tell("released");
    this.wake();
  }

  /** Keeps each chunk that comes from now on back for so many milliseconds, beside what holds for all connections. */
  delay(ms: PerDirection): void {
    this.#conditions.delay(ms);
  }

  /** Reads no faster from now on than so many bytes a second; 0 stops reading, Infinity lifts it. */
  throttle(bytesPerSecond: PerDirection): void {
    this.#conditions.throttle(bytesPerSecond);
    this.wake();
  }

  /** Looks at the conditions again. */
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
      signal: this.#over.signal,
      take: (chunk) => {
        const pieces = conversation.take(direction, chunk, places.needsWholeMessages);
        for (const { message } of pieces) {
          if (message) this.#options.onMessage(message);
        }
        return pieces;
      },
      takeRest: () => conversation.takeRest(direction),
      onPassed: (piece) => this.#countMessage(piece),
      onEnd: (end) => this.#takeEnd(direction, end),
      onBroken: () => this.#takeBreak(direction),
    });
  }

  #takeRequest(head: SeenRequest): void {
    this.#target = head.target;
    const faults = this.#options.faultsFor(head, this);
    this.#tell("request");
    if (head.isUpgrade) this.#tell("opened");
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
    await delay(ms, { signal: this.#over.signal }).catch(() => {/* the connection is over */});
    if (then === "cut") this.cut();
    else this.release(direction);
  }

  #countMessage({ message }: Piece): void {
    if (message?.isData) this.#tell(message.direction === "toClient" ? "messageToClient" : "messageToServer");
  }

  #takeEnd(direction: Direction, end: LaneEnd): void {
    this.#ended.add(direction);
    const other = oppositeOf(direction);
    if (end === "reset") this.#finish("closed", "reset");
    else if (this.#ended.has(other) || this.#lanes[other].isBroken) this.#finish("closed", "fin");
  }

  /** Who takes nothing any more tells that as an end of its own, which may be held; only if that went on it is over. */
  #takeBreak(direction: Direction): void {
    if (this.#ended.has(oppositeOf(direction))) this.#finish("closed", "reset");
  }

  #finish(event: "cut" | "closed" | "refused", way: CutWay): void {
    if (this.isOver) return;
    this.#over.abort();
    const { severing, client, server } = this.#options;
    severing.sever(client, way);
    severing.sever(server, way);
    this.#tell(event);
  }

  #tell(event: ProxyEvent): void {
    this.#events.add(event);
    this.#options.onEvent(event);
  }
}

function oppositeOf(direction: Direction): Direction {
  return direction === "toClient" ? "toServer" : "toClient";
}
