/**
 * Missed messages that the server reported to a member. `to` is null if the end is unknown, because
 * the history was replaced.
 */
export interface ReportedGap {
  readonly from: number;
  readonly to: number | null;
}

/** A `left` event that a member received while no other connection of that user was present. */
export interface ReceivedLeft {
  /** The member that left, according to the event. */
  readonly member: number;
  /** In milliseconds since 1970. */
  readonly at: number;
}

/** Time without a connection, from the end of `live` until `live` again. */
export interface Absence {
  /** Time of the reconnect, in milliseconds since 1970. */
  readonly backAt: number;
  readonly ms: number;
  /** The client's code for the disconnect. */
  readonly reason: string;
}

/** Facts that one member recorded: its actions and everything it received. */
export interface MemberAccount {
  readonly member: number;
  readonly room: string;
  /**
   * The room's offset when the first connection started. The server owes the member every later
   * message.
   */
  readonly since: number;
  /** Time of the member's own close, in milliseconds since 1970; null if the member stayed. */
  readonly closedAt: number | null;
  /** Code of an unwanted close by the client; null if none happened. */
  readonly stoppedBy: string | null;
  /** Epochs that the member received. More than one means that the stored history was replaced. */
  readonly epochs: readonly string[];
  /**
   * Received messages in order: offset, publisher, and the publisher's message number from 1. The
   * three lists are parallel.
   */
  readonly offsets: readonly number[];
  readonly publishers: readonly number[];
  readonly numbers: readonly number[];
  /** Acked offset of each own message, in the order of publishing; null if no answer arrived. */
  readonly acked: readonly (number | null)[];
  /** Own messages that the server refused, with the error code. */
  readonly refused: readonly { readonly number: number; readonly code: string }[];
  readonly gaps: readonly ReportedGap[];
  readonly lefts: readonly ReceivedLeft[];
  readonly absences: readonly Absence[];
}

/** Delivery promises, with the text that reports a breach. */
export const PROMISES = {
  lost: "stored messages that a member never had",
  twice: "messages delivered or stored twice",
  outOfOrder: "messages out of order, per room or per publisher",
  contradicted: "offsets at which two members received different messages",
  unanswered: "messages published and never answered",
  refused: "messages refused",
  replaced: "histories that were replaced",
  stopped: "clients that gave up",
  spuriousLeft: "`left` seen of members that stayed",
  ghosts: "present, and not connected",
  absent: "connected, and not present",
  late: "clients that were not back in time",
} as const;
export type PromiseName = keyof typeof PROMISES;

/** Count of breaches of one promise, and the evidence of the first: room, offset, client. */
interface Breach {
  readonly count: number;
  readonly first: string | null;
}
/** Breaches by promise. */
export type Verdict = Readonly<Record<PromiseName, Breach>>;

interface Stored {
  readonly publisher: number;
  readonly number: number;
}

/**
 * Counts breaches of the promises about messages, and `left` events of members that stayed. Pure.
 */
export class Ledger {
  readonly #breaches = new Map<PromiseName, { count: number; first: string }>();

  /**
   * Judges the accounts of all members of one room. `goneAt` holds the time of each member that
   * vanished without an account.
   */
  judgeRoom(accounts: readonly MemberAccount[], goneAt: ReadonlyMap<number, number> = new Map()): void {
    const stored = new Map<number, Stored>();
    for (const account of accounts) this.#collect(account, stored);
    this.#judgePublishers(accounts[0]?.room ?? "", stored);
    for (const account of accounts) this.#judgeDelivery(account, stored);
    const leftAt = new Map(goneAt);
    for (const { member, closedAt } of accounts) if (closedAt !== null) leftAt.set(member, closedAt);
    const absences = new Map(accounts.map(({ member, absences }) => [member, absences]));
    for (const account of accounts) this.#judgeLefts(account, leftAt, absences);
  }

  /** Counts one breach; keeps the evidence of the first. */
  breach(promise: PromiseName, evidence: string): void {
    const before = this.#breaches.get(promise);
    this.#breaches.set(promise, { count: (before?.count ?? 0) + 1, first: before?.first ?? evidence });
  }

  /** Breaches of every promise; a kept promise has a count of 0. */
  get verdict(): Verdict {
    const none = { count: 0, first: null };
    const names = Object.keys(PROMISES) as PromiseName[];
    return Object.fromEntries(names.map((name) => [name, this.#breaches.get(name) ?? none])) as Verdict;
  }

  /** Collects the stored messages from acks and deliveries. */
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
        const evidence = `client ${member} received ${text({ publisher, number })}, which is ${other}`;
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

  /** Checks that each publisher's messages were stored once, in the order of publishing. */
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

  /**
   * Checks that the member received every stored message since its join, once and in order, except
   * reported gaps.
   */
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
    // A member that closed is owed the messages up to its last one.
    const until = closedAt === null ? Infinity : last;
    for (const [offset, message] of stored) {
      if (offset <= since || offset > until || had.has(offset)) continue;
      if (gaps.some(({ from, to }) => offset >= from && to !== null && offset <= to)) continue;
      this.breach("lost", `room ${room}, offset ${offset}: client ${member} never had ${text(message)}`);
    }
  }

  #judgeLefts(
    { member, room, lefts }: MemberAccount,
    leftAt: ReadonlyMap<number, number>,
    absences: ReadonlyMap<number, readonly Absence[]>,
  ): void {
    for (const { member: who, at } of lefts) {
      if (at >= (leftAt.get(who) ?? Infinity)) continue;
      // The absence distinguishes a grace period that was too short from a server that did not wait
      // for it.
      const away = absences.get(who)?.find(({ backAt, ms }) => at <= backAt && at >= backAt - ms);
      const stayed = away ? `which was away for ${away.ms.toFixed()} ms then` : "which was not away";
      const when = new Date(at).toISOString();
      const evidence = `client ${member} received \`left\` of client ${who} at ${when}, ${stayed}`;
      this.breach("spuriousLeft", `room ${room}: ${evidence}`);
    }
  }
}

function text({ publisher, number }: Stored): string {
  return `message ${number} of client ${publisher}`;
}
