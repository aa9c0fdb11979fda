import { type Dialect, DIALECTS, ERROR_MARKER } from "../load/dialect.ts";
import { createMarkerCounter } from "../load/marker.ts";
import { encodeText, Member } from "../load/member.ts";
import type { HeardResult, JoinJob, JoinResult } from "./hosted_jobs.ts";
import type { MortalLoop } from "./mortal_loop.ts";

const JOIN_PATIENCE_MS = 60_000;
const PING = encodeText('{"type":"ping","id":"ping"}');
const countErrors = createMarkerCounter(ERROR_MARKER);

/** A pointer's place: moved by another one a moment later, so nobody keeps it. */
const CURSOR_DATA = JSON.stringify({ x: 0.4137, y: 0.7301 });
/** As long as the other cases' chat messages, in bytes of JSON. */
const CHAT_BYTES = 100;

/** Members that were opened together, and what they hear. */
export class HostedGroup {
  readonly #loop: MortalLoop;
  readonly #says: JoinJob["says"];
  readonly #speech: JoinJob["speech"];
  readonly #members: Member[] = [];
  #publishes = 0;
  #pings = 0;
  #errors = 0;

  constructor(loop: MortalLoop, { says, speech }: JoinJob) {
    this.#loop = loop;
    this.#says = says;
    this.#speech = speech;
  }

  /** Everybody who was opened, those included who are gone. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** True if its members show that they are there: others answer the runtime's WebSocket pings. */
  get pings(): boolean {
    return this.#speech === "rooms.v1";
  }

  /** True if somebody was sent away, or the isolate was killed. */
  get isEnded(): boolean {
    return this.#members.some(({ socket }) => this.#loop.endOf(socket) !== undefined);
  }

  /** True if something that was published was refused: it does not come back. */
  get isRefused(): boolean {
    return this.#errors > 0;
  }

  /** True if nobody is left. */
  get isGone(): boolean {
    return this.#members.every(({ socket }) => this.#loop.endOf(socket) !== undefined);
  }

  /** Opens a member for each address, `concurrency` at once, until each is in or refused. Who is refused is forgotten. */
  join({ urls, concurrency }: JoinJob): JoinResult {
    const refused = new Map<string, number>();
    const opening = new Set<Member>();
    const waiting = urls.values();
    const dialect = dialectOf(this.#speech, this.#says);
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
    this.#loop.runUntil(isDone, JOIN_PATIENCE_MS, () => `${joined} of ${urls.length} joined`);
    return { joined, refused: Object.fromEntries(refused) };
  }

  /** A member publishes its next message; a chat message begins with `mark`. */
  publish(member: Member, mark: string = ""): void {
    const data = this.#says === "cursor" ? CURSOR_DATA : chatData(mark);
    if (this.#loop.attempt(member.socket, () => member.publish(data))) this.#publishes++;
  }

  /** A member shows that it is there. */
  ping(member: Member): void {
    if (this.#loop.attempt(member.socket, () => member.socket.send(PING))) this.#pings++;
  }

  /** What was published and heard since the last call. */
  takeHeard(): Omit<HeardResult, "elapsedMs"> {
    let deliveries = 0;
    let webSocketMessages = 0;
    let bytes = 0;
    for (const member of this.#members) {
      const delivered = member.takeDelivered();
      deliveries += delivered.messages;
      webSocketMessages += delivered.webSocketMessages;
      bytes += delivered.bytes;
    }
    const heard = { publishes: this.#publishes, pings: this.#pings, errors: this.#errors };
    this.#publishes = this.#pings = this.#errors = 0;
    return { ...heard, deliveries, webSocketMessages, bytes, isEnded: this.isEnded };
  }

  /** Says goodbye; the server's answers are not waited for. */
  close(): void {
    for (const { socket } of this.#members) this.#loop.attempt(socket, () => socket.close());
  }

  /** Counts refusals of what a member sends; `onDelivery` takes over for who waits for its own messages. */
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

function dialectOf(speech: JoinJob["speech"], says: JoinJob["says"]): Dialect {
  const dialect = DIALECTS[speech];
  if (says === "chat") return dialect;
  return {
    ...dialect,
    publish: (id, data) => `{"type":"publish","id":"${id}","event":"cursor","data":${data},"ephemeral":true}`,
  };
}

function chatData(mark: string): string {
  return JSON.stringify({ text: mark.padEnd(CHAT_BYTES - '{"text":""}'.length, "x") });
}

/** The status and the code of a refusal, or how the connection ended. */
function reasonOf(end: string): string {
  const status = /HTTP\/1\.1 (\d{3})/.exec(end)?.[1];
  const code = /"code":"(\w+)"/.exec(end)?.[1];
  return status === undefined ? end.slice(0, 60) : code === undefined ? status : `${status} ${code}`;
}
