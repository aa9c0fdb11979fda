/** Messages that a member missed and was told of. `to` is null when nobody knows their end: the history is another one. */
export interface ReportedGap {
  readonly from: number;
  readonly to: number | null;
}

/** A `left` that a member was told, after which the one who left was not there in any other way. */
export interface SeenLeaving {
  /** Who is said to have left. */
  readonly member: number;
  /** In milliseconds since 1970. */
  readonly at: number;
}

/** Time without a connection, from leaving `live` until it is back. */
export interface Absence {
  /** When it was back, in milliseconds since 1970. */
  readonly backAt: number;
  readonly ms: number;
  /** The client's code for why it broke. */
  readonly reason: string;
}

/** What one member did and was told, in its own words: facts only. */
export interface MemberAccount {
  readonly member: number;
  readonly room: string;
  /** The room's offset when its first connection began: everything after that was promised. */
  readonly since: number;
  /** When it closed for good by intention, in milliseconds since 1970; null: it stayed. */
  readonly closedAt: number | null;
  /** Why its room closed by itself, which nobody wanted; null: it did not. */
  readonly stoppedBy: string | null;
  /** Histories that it was told of. More than one: what the room stored was replaced. */
  readonly epochs: readonly string[];
  /** Messages in the order in which they came: the offset, who published it, and which of theirs it is, from 1. The lists go together. */
  readonly offsets: readonly number[];
  readonly publishers: readonly number[];
  readonly numbers: readonly number[];
  /** The offset that each of its own messages was acked with, the first at 0; null: no answer came. */
  readonly acked: readonly (number | null)[];
  /** Its own messages that were refused, and why. */
  readonly refused: readonly { readonly number: number; readonly code: string }[];
  readonly gaps: readonly ReportedGap[];
  readonly leavings: readonly SeenLeaving[];
  readonly absences: readonly Absence[];
}

/** What is promised; each is counted when it is broken. */
export const PROMISES = {
  lost: "stored messages that a member never had",
  twice: "messages delivered or stored twice",
  outOfOrder: "messages out of order, per room or per publisher",
  contradicted: "offsets at which two members were told different messages",
  unanswered: "messages published and never answered",
  refused: "messages refused",
  replaced: "histories that were replaced",
  stopped: "clients that gave up",
  spuriousLeft: "`left` seen of members that stayed",
  ghosts: "present, and not connected",
  absent: "connected, and not present",
  late: "clients that were not back in time",
} as const;
/** The name of a promise. */
export type PromiseName = keyof typeof PROMISES;

/** How often a promise was broken, and the first time it was: room, offset, client. */
export interface Breach {
  readonly count: number;
  readonly first: string | null;
}
/** Every promise, and how it was kept. */
export type Verdict = Readonly<Record<PromiseName, Breach>>;

interface Stored {
  readonly publisher: number;
  readonly number: number;
}

/** Counts what broke the promises about messages, and `left` of who stayed. Pure. */
export class Ledger {
  readonly #breaches = new Map<PromiseName, { count: number; first: string }>();

  /** Judges the accounts of all members of one room; `goneAt` has who went without an account, and when. */
  judgeRoom(accounts: readonly MemberAccount[], goneAt: ReadonlyMap<number, number> = new Map()): void {
    const stored = new Map<number, Stored>();
    for (const account of accounts) this.#collect(account, stored);
    this.#judgePublishers(accounts[0]?.room ?? "", stored);
    for (const account of accounts) this.#judgeDelivery(account, stored);
    const leftAt = new Map(goneAt);
    for (const { member, closedAt } of accounts) if (closedAt !== null) leftAt.set(member, closedAt);
    const absences = new Map(accounts.map(({ member, absences }) => [member, absences]));
    for (const account of accounts) this.#judgeLeavings(account, leftAt, absences);
  }

  /** Counts one more breach; only the first one's evidence is kept. */
  breach(promise: PromiseName, evidence: string): void {
    const before = this.#breaches.get(promise);
    this.#breaches.set(promise, { count: (before?.count ?? 0) + 1, first: before?.first ?? evidence });
  }

  /** Every promise, the kept ones with a count of 0. */
  get verdict(): Verdict {
    const none = { count: 0, first: null };
    const names = Object.keys(PROMISES) as PromiseName[];
    return Object.fromEntries(names.map((name) => [name, this.#breaches.get(name) ?? none])) as Verdict;
  }

  /** Takes in what was stored, by what was acked and by what was delivered. */
  #collect(account: MemberAccount, stored: Map<number, Stored>): void {
    const { member, room, epochs, stoppedBy } = account;
    if (stoppedBy !== null) this.breach("stopped", `room ${room}: client ${member} gave up: ${stoppedBy}`);
    for (const epoch of epochs.slice(1)) {
      this.breach("replaced", `room ${room}: client ${member} met the history ${epoch} after ${epochs[0]}`);
    }
    const put = (offset: number, publisher: number, number: number) => {
      const before = stored.get(offset);
      if (!before) stored.set(offset, { publisher, number });
      else if (before.publisher !== publisher || before.number !== number) {
        const other = `${text(before)} elsewhere`;
        const evidence = `client ${member} was told ${text({ publisher, number })}, which is ${other}`;
        this.breach("contradicted", `room ${room}, offset ${offset}: ${evidence}`);
      }
    };
    account.offsets.forEach((offset, at) => {
      put(offset, account.publishers[at] ?? -1, account.numbers[at] ?? -1);
    });
    const refused = new Map(account.refused.map(({ number, code }) => [number, code]));
    account.acked.forEach((offset, at) => {
      const number = at + 1;
      const code = refused.get(number);
      const what = `room ${room}: message ${number} of client ${member}`;
      if (offset !== null) put(offset, member, number);
      else if (code !== undefined) this.breach("refused", `${what} was refused: ${code}`);
      else if (account.closedAt === null) this.breach("unanswered", `${what} was never answered`);
    });
  }

  /** Each publisher's messages were stored once, in the order in which they were published. */
  #judgePublishers(room: string, stored: ReadonlyMap<number, Stored>): void {
    const seen = new Map<number, { readonly numbers: Map<number, number>; last: number }>();
    for (const [offset, { publisher, number }] of [...stored].sort(([one], [other]) => one - other)) {
      const own = seen.get(publisher) ?? { numbers: new Map<number, number>(), last: 0 };
      seen.set(publisher, own);
      const before = own.numbers.get(number);
      const where = `room ${room}, offset ${offset}: message ${number} of client ${publisher}`;
      if (before !== undefined) this.breach("twice", `${where} is stored at ${before} too`);
      else if (number < own.last) {
        this.breach("outOfOrder", `${where} is stored after its message ${own.last}`);
      }
      if (before === undefined) own.numbers.set(number, offset);
      own.last = Math.max(own.last, number);
    }
  }

  /** The member had everything that was stored since it came, once and in order, but what it was told it could not have. */
  #judgeDelivery(account: MemberAccount, stored: ReadonlyMap<number, Stored>): void {
    const { member, room, offsets, since, gaps, closedAt } = account;
    const had = new Set<number>();
    let last = 0;
    for (const offset of offsets) {
      const where = `room ${room}, offset ${offset}: client ${member}`;
      if (had.has(offset)) this.breach("twice", `${where} had it before`);
      else if (offset < last) this.breach("outOfOrder", `${where} had ${last} before it`);
      had.add(offset);
      last = Math.max(last, offset);
    }
    // Who closed was promised what came until then.
    const until = closedAt === null ? Infinity : last;
    for (const [offset, message] of stored) {
      if (offset <= since || offset > until || had.has(offset)) continue;
      if (gaps.some(({ from, to }) => offset >= from && to !== null && offset <= to)) continue;
      this.breach("lost", `room ${room}, offset ${offset}: client ${member} never had ${text(message)}`);
    }
  }

  #judgeLeavings(
    { member, room, leavings }: MemberAccount,
    leftAt: ReadonlyMap<number, number>,
    absences: ReadonlyMap<number, readonly Absence[]>,
  ): void {
    for (const { member: who, at } of leavings) {
      if (at >= (leftAt.get(who) ?? Infinity)) continue;
      // No excuse, but it tells a grace that was too short from a server that did not wait for it.
      const away = absences.get(who)?.find(({ backAt, ms }) => at <= backAt && at >= backAt - ms);
      const stayed = away ? `who was away for ${away.ms.toFixed()} ms then` : "who was not away";
      const when = new Date(at).toISOString();
      const evidence = `client ${member} was told at ${when} that client ${who} left, ${stayed}`;
      this.breach("spuriousLeft", `room ${room}: ${evidence}`);
    }
  }
}

function text({ publisher, number }: Stored): string {
  return `message ${number} of client ${publisher}`;
}
