import { deadline } from "@std/async";
import { createRoom, type Room, type RoomState } from "../../packages/client/mod.ts";
import type { Absence, MemberAccount, ReportedGap, SeenLeaving } from "./ledger.ts";
import type { PresenceView } from "./presence_view.ts";

/** What members tell each other. */
interface Events {
  readonly soak: { readonly by: number; readonly number: number; readonly filler: string };
}

/** One member, as the load process is told of it. */
export interface MemberJob {
  readonly member: number;
  /** The room's id, and its whole address. */
  readonly room: string;
  readonly url: string;
  readonly token: string;
  /** True if it enters presence. */
  readonly isPresent: boolean;
}

/** How long who leaves waits for its last acks. */
const ANSWER_PATIENCE_MS = 20_000;

/** Whom a member's token says it is. */
export function userOf(member: number): string {
  return `client-${member}`;
}

function memberOf(user: string): number {
  return Number(user.replace("client-", ""));
}

/** A client of the SDK that keeps account of everything it does and is told. */
export class SoakMember {
  readonly absences: Absence[] = [];
  /** What the client told of that belongs to no promise, by code. */
  readonly errors = new Map<string, number>();
  readonly #job: MemberJob;
  readonly #room: Room<Events>;
  readonly #offsets: number[] = [];
  readonly #publishers: number[] = [];
  readonly #numbers: number[] = [];
  readonly #acked: (number | null)[] = [];
  readonly #refused: { readonly number: number; readonly code: string }[] = [];
  readonly #gaps: ReportedGap[] = [];
  readonly #leavings: SeenLeaving[] = [];
  readonly #epochs: string[] = [];
  readonly #unanswered = new Set<Promise<unknown>>();
  #isLeaving = false;
  #since = 0;
  #lives = 0;
  #awaySince: { readonly at: number; readonly reason: string } | null = null;
  #closedAt: number | null = null;
  #stoppedBy: string | null = null;

  constructor(job: MemberJob) {
    this.#job = job;
    const room = this.#room = createRoom<Events>(job.url, { token: () => job.token });
    room.on("state", (state) => this.#onState(state));
    room.on("message", ({ offset, data }) => {
      if (offset === undefined) return;
      this.#offsets.push(offset);
      this.#publishers.push(data.by);
      this.#numbers.push(data.number);
    });
    room.on("gap", ({ from, to }) => {
      this.#gaps.push({ from, to });
      // Of a history that was replaced the position speaks from now on.
      this.#noteEpoch();
    });
    room.on("error", ({ code }) => this.errors.set(code, (this.errors.get(code) ?? 0) + 1));
    room.on("presence", ({ left, members }) => {
      for (const { user } of left) {
        // Who came back while we were away has another connection, and has not left.
        if (members.some((other) => other.user === user)) continue;
        this.#leavings.push({ member: memberOf(user), at: Date.now() });
      }
    });
  }

  get room(): string {
    return this.#job.room;
  }

  get isLive(): boolean {
    return this.#room.state.type === "live";
  }

  /** True if it has said goodbye. */
  get hasLeft(): boolean {
    return this.#closedAt !== null;
  }

  get delivered(): number {
    return this.#offsets.length;
  }

  get pending(): number {
    return this.#room.pending;
  }

  /** Connects, and enters presence where it is to; resolves when it has. */
  async join(): Promise<void> {
    this.#room.open();
    await this.#room.live();
    if (this.#job.isPresent) await this.#room.presence.enter({ member: this.#job.member });
  }

  /** Publishes the next message; what becomes of it is in the account. */
  publish(filler: string): void {
    if (this.#isLeaving || this.#stoppedBy !== null) return;
    const number = this.#acked.push(null);
    const answered = this.#room.publish("soak", { by: this.#job.member, number, filler }).then(
      (offset) => this.#acked[number - 1] = offset,
      ({ code }) => this.#refused.push({ number, code }),
    ).finally(() => this.#unanswered.delete(answered));
    this.#unanswered.add(answered);
  }

  /** The highest offset that it knows of in its room. */
  get head(): number {
    return Math.max(this.#room.position?.offset ?? 0, ...this.#acked.map((offset) => offset ?? 0));
  }

  /** True if all that it published is answered, and it has everything up to the offset. */
  hasCaughtUp(head: number): boolean {
    return this.#room.pending === 0 && (this.#room.position?.offset ?? 0) >= head;
  }

  /** Waits until what it has published is answered, and says goodbye for good. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    // What is not answered even so is refused as `closed`, and counted.
    await deadline(Promise.all(this.#unanswered), ANSWER_PATIENCE_MS).catch(() => {});
    this.#closedAt = Date.now();
    await this.#room.close();
  }

  /** Whom it sees at this moment; null when it has left. */
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
      leavings: this.#leavings,
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
