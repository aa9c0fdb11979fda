import { type Dialect, DIALECTS, ERROR_MARKER } from "../load/dialect.ts";
import { createMarkerCounter } from "../load/marker.ts";
import { encodeText, Member } from "../load/member.ts";
import type { JoinJob, JoinResult, TrafficResult } from "./hosted_jobs.ts";
import type { TolerantLoop } from "./tolerant_loop.ts";

const JOIN_TIMEOUT_MS = 60_000;
const PING = encodeText('{"type":"ping","id":"ping"}');
const countErrors = createMarkerCounter(ERROR_MARKER);

/** Position of a pointer: ephemeral, because the next one replaces it a moment later. */
const CURSOR_DATA = JSON.stringify({ x: 0.4137, y: 0.7301 });
/** Bytes of JSON, the same as in the other cases. */
const CHAT_BYTES = 100;

/** Members of one group, and their traffic. */
export class HostedGroup {
  readonly #loop: TolerantLoop;
  readonly #messageKind: JoinJob["messageKind"];
  readonly #dialect: JoinJob["dialect"];
  readonly #members: Member[] = [];
  #publishes = 0;
  #pings = 0;
  #errors = 0;

  constructor(loop: TolerantLoop, { messageKind, dialect }: JoinJob) {
    this.#loop = loop;
    this.#messageKind = messageKind;
    this.#dialect = dialect;
  }

  /** All members that joined, closed ones included. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** True if the members send pings; plain clients answer the runtime's WebSocket pings. */
  get pings(): boolean {
    return this.#dialect === "rooms.v1";
  }

  /** True if the isolate closed a member's socket, or was killed. */
  get isEnded(): boolean {
    return this.#members.some(({ socket }) => this.#loop.endOf(socket) !== undefined);
  }

  /** True if a publish was refused, so that its message does not come back. */
  get isRefused(): boolean {
    return this.#errors > 0;
  }

  /** True if no member is connected. */
  get isGone(): boolean {
    return this.#members.every(({ socket }) => this.#loop.endOf(socket) !== undefined);
  }

  /**
   * Opens a member for each URL, `concurrency` at a time, until each has joined or was refused.
   * Refused members are dropped.
   */
  join({ urls, concurrency }: JoinJob): JoinResult {
    const refused = new Map<string, number>();
    const opening = new Set<Member>();
    const waiting = urls.values();
    const dialect = dialectOf(this.#dialect, this.#messageKind);
    let joined = 0;
    const openNext = (): boolean => {
      const { value: url } = waiting.next();
      if (url === undefined) return false;
      const member: Member = new Member(this.#loop, {
        url,
        dialect,
        onJoined: () => {
          joined++;
          opening.delete(member);
          this.#welcome(member);
        },
      });
      opening.add(member);
      return true;
    };
    const isDone = (): boolean => {
      for (const member of opening) {
        const end = this.#loop.endOf(member.socket);
        if (end === undefined) continue;
        opening.delete(member);
        refused.set(reasonOf(end), (refused.get(reasonOf(end)) ?? 0) + 1);
      }
      while (opening.size < concurrency && openNext());
      return opening.size === 0;
    };
    this.#loop.runUntil(isDone, JOIN_TIMEOUT_MS, () => `${joined} of ${urls.length} joined`);
    return { joined, refused: Object.fromEntries(refused) };
  }

  /** Publishes the next message of a member; a chat message begins with `mark`. */
  publish(member: Member, mark: string = ""): void {
    const data = this.#messageKind === "cursor" ? CURSOR_DATA : chatData(mark);
    if (this.#loop.attempt(member.socket, () => member.publish(data))) this.#publishes++;
  }

  /** Sends a ping of a member. */
  ping(member: Member): void {
    if (this.#loop.attempt(member.socket, () => member.socket.send(PING))) this.#pings++;
  }

  /** Returns the traffic since the last call. */
  takeTraffic(): Omit<TrafficResult, "elapsedMs"> {
    let deliveries = 0;
    let webSocketMessages = 0;
    let bytes = 0;
    for (const member of this.#members) {
      const delivered = member.takeDelivered();
      deliveries += delivered.messages;
      webSocketMessages += delivered.webSocketMessages;
      bytes += delivered.bytes;
    }
    const traffic = { publishes: this.#publishes, pings: this.#pings, errors: this.#errors };
    this.#publishes = this.#pings = this.#errors = 0;
    return { ...traffic, deliveries, webSocketMessages, bytes, isEnded: this.isEnded };
  }

  /** Sends close frames, without waiting for the server's. */
  close(): void {
    for (const { socket } of this.#members) this.#loop.attempt(socket, () => socket.close());
  }

  /** Counts refused publishes of a member; `onDelivery` handles every WebSocket message. */
  listen(
    member: Member,
    onDelivery: (messages: number, bytes: Uint8Array, start: number, end: number) => void,
  ): void {
    member.onDelivery = (messages, bytes, start, end) => {
      this.#errors += countErrors(bytes, start, end);
      onDelivery(messages, bytes, start, end);
    };
  }

  #welcome(member: Member): void {
    this.#members.push(member);
    this.listen(member, () => {});
  }
}

function dialectOf(name: JoinJob["dialect"], messageKind: JoinJob["messageKind"]): Dialect {
  const dialect = DIALECTS[name];
  if (messageKind === "chat") return dialect;
  return {
    ...dialect,
    publish: (id, data) => `{"type":"publish","id":"${id}","event":"cursor","data":${data},"ephemeral":true}`,
  };
}

function chatData(mark: string): string {
  return JSON.stringify({ text: mark.padEnd(CHAT_BYTES - '{"text":""}'.length, "x") });
}

/** Status and code of a refusal, or the end of the connection. */
function reasonOf(end: string): string {
  const status = /HTTP\/1\.1 (\d{3})/.exec(end)?.[1];
  const code = /"code":"(\w+)"/.exec(end)?.[1];
  return status === undefined ? end.slice(0, 60) : code === undefined ? status : `${status} ${code}`;
}
