import { deadline } from "@std/async";
import { createRoom, type Room, type RoomConnection, type RoomState } from "../../packages/client/mod.ts";
import type { Absence, MemberAccount, ReceivedLeft, ReportedGap } from "./ledger.ts";
import type { PresenceView } from "./presence_view.ts";

/** Events of the room. */
interface Events {
  readonly soak: { readonly by: number; readonly number: number; readonly filler: string };
}

/** Membership of a client in a room, for a load process. */
export interface MemberJob {
  /** Number of the client. Each of its rooms has a job. */
  readonly member: number;
  /** Id and full URL of the room. */
  readonly room: string;
  readonly url: string;
  readonly token: string;
  /** True if all rooms of the client share one connection. */
  readonly isShared: boolean;
  /** True if the member enters presence. */
  readonly isPresent: boolean;
}

/** Limit of the wait for the last acks of a member that leaves. */
const ANSWER_TIMEOUT_MS = 20_000;

/** User of a member's token. */
export function userOf(member: number): string {
  return `client-${member}`;
}

function memberOf(user: string): number {
  return Number(user.replace("client-", ""));
}

/** Room of the SDK that records everything it sends and receives. */
export class SoakMember {
  readonly absences: Absence[] = [];
  /** Count of client errors that concern no promise, by code. */
  readonly errors = new Map<string, number>();
  readonly #job: MemberJob;
  readonly #room: Room<Events>;
  readonly #offsets: number[] = [];
  readonly #publishers: number[] = [];
  readonly #numbers: number[] = [];
  readonly #acked: (number | null)[] = [];
  readonly #refused: { readonly number: number; readonly code: string }[] = [];
  readonly #gaps: ReportedGap[] = [];
  readonly #lefts: ReceivedLeft[] = [];
  readonly #epochs: string[] = [];
  readonly #unanswered = new Set<Promise<unknown>>();
  #isLeaving = false;
  #since = 0;
  #lives = 0;
  #awaySince: { readonly at: number; readonly reason: string } | null = null;
  #closedAt: number | null = null;
  #stoppedBy: string | null = null;

  /** `connection` is null for a room on a socket of its own. */
  constructor(job: MemberJob, connection: RoomConnection | null) {
    this.#job = job;
    const room = this.#room = connection
      ? connection.createRoom<Events>(job.url.slice(connection.url.length + 1))
      : createRoom<Events>(job.url, { token: () => job.token });
    room.on("state", (state) => this.#onState(state));
    room.on("message", ({ offset, data }) => {
      if (offset === undefined) return;
      this.#offsets.push(offset);
      this.#publishers.push(data.by);
      this.#numbers.push(data.number);
    });
    room.on("gap", ({ from, to }) => {
      this.#gaps.push({ from, to });
      // After a replaced history, `position` belongs to the new one.
      this.#noteEpoch();
    });
    room.on("error", ({ code }) => this.errors.set(code, (this.errors.get(code) ?? 0) + 1));
    room.on("presence", ({ left, members }) => {
      for (const { user } of left) {
        // A user that reconnected during this member's absence has another connection, and has not
        // left.
        if (members.some((other) => other.user === user)) continue;
        this.#lefts.push({ member: memberOf(user), at: Date.now() });
      }
    });
  }

  get client(): number {
    return this.#job.member;
  }

  get room(): string {
    return this.#job.room;
  }

  get isLive(): boolean {
    return this.#room.state.type === "live";
  }

  /** True once the member has closed its room. */
  get hasLeft(): boolean {
    return this.#closedAt !== null;
  }

  get delivered(): number {
    return this.#offsets.length;
  }

  get pending(): number {
    return this.#room.pending;
  }

  /** Connects, and enters presence if `isPresent`; resolves once both are done. */
  async join(): Promise<void> {
    this.#room.open();
    await this.#room.live();
    if (this.#job.isPresent) await this.#room.presence.enter({ member: this.#job.member });
  }

  /** Publishes the next message; the account records the answer. */
  publish(filler: string): void {
    if (this.#isLeaving || this.#stoppedBy !== null) return;
    const number = this.#acked.push(null);
    const answered = this.#room.publish("soak", { by: this.#job.member, number, filler }).then(
      (offset) => this.#acked[number - 1] = offset,
      ({ code }) => this.#refused.push({ number, code }),
    ).finally(() => this.#unanswered.delete(answered));
    this.#unanswered.add(answered);
  }

  /** Highest known offset of the room. */
  get head(): number {
    return Math.max(this.#room.position?.offset ?? 0, ...this.#acked.map((offset) => offset ?? 0));
  }

  /** True if every publish is answered, and every message up to `head` has arrived. */
  hasCaughtUp(head: number): boolean {
    return this.#room.pending === 0 && (this.#room.position?.offset ?? 0) >= head;
  }

  /** Waits for the answers to its publishes, and closes the room. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    // An unanswered publish is refused as `closed`, and counted.
    await deadline(Promise.all(this.#unanswered), ANSWER_TIMEOUT_MS).catch(() => {});
    this.#closedAt = Date.now();
    await this.#room.close();
  }

  /** Visible presence; null once the member has left. */
  get view(): PresenceView | null {
    if (this.#closedAt !== null || !this.#job.isPresent) return null;
    const { state, presence: { members } } = this.#room;
    const present = members.map(({ connection, user }) => ({ connection, member: memberOf(user) }));
    const { member, room } = this.#job;
    return { member, room, connection: state.type === "live" ? state.connection : null, present };
  }

  get account(): MemberAccount {
    return {
      member: this.#job.member,
      room: this.#job.room,
      since: this.#since,
      closedAt: this.#closedAt,
      stoppedBy: this.#stoppedBy,
      epochs: this.#epochs,
      offsets: this.#offsets,
      publishers: this.#publishers,
      numbers: this.#numbers,
      acked: this.#acked,
      refused: this.#refused,
      gaps: this.#gaps,
      lefts: this.#lefts,
      absences: this.absences,
    };
  }

  #onState(state: RoomState): void {
    if (state.type === "live") this.#onLive();
    else if (state.type === "closed" && this.#closedAt === null) this.#stoppedBy = state.reason.code;
    else if (this.#lives > 0 && this.#awaySince === null) {
      const reason = state.type === "waiting" ? state.reason.code : state.type;
      this.#awaySince = { at: performance.now(), reason };
    }
  }

  #onLive(): void {
    const { position } = this.#room;
    if (position && this.#lives++ === 0) this.#since = position.offset;
    this.#noteEpoch();
    if (this.#awaySince === null) return;
    const { at, reason } = this.#awaySince;
    this.absences.push({ backAt: Date.now(), ms: performance.now() - at, reason });
    this.#awaySince = null;
  }

  #noteEpoch(): void {
    const epoch = this.#room.position?.epoch;
    if (epoch !== undefined && this.#epochs.at(-1) !== epoch) this.#epochs.push(epoch);
  }
}
