import type { MemberAccount } from "./ledger.ts";
import type { PresenceDigest, PresenceView } from "./presence_view.ts";
import type { MemberJob } from "./soak_member.ts";

/** Command for a load process: one line of JSON on its input. */
export type LoadCommand =
  /** Connects all members, `atOnce` at a time; answered once all are live. */
  | { readonly type: "join"; readonly members: readonly MemberJob[]; readonly atOnce: number }
  /** Starts publishing, `perSecond` over all members, each message from a random member. */
  | { readonly type: "publish"; readonly perSecond: number; readonly seed: number }
  | { readonly type: "progress" }
  /** Closes all rooms of these members. */
  | { readonly type: "leave"; readonly members: readonly number[] }
  /** Stops publishing; answered with the known head of every room. */
  | { readonly type: "stop" }
  /** Answered with the number of members that have not reached these heads. */
  | { readonly type: "behind"; readonly heads: Readonly<Record<string, number>> }
  /** Answered with the presence of every member, as digests. */
  | { readonly type: "digests" }
  /** Answered with the full presence of the members in these rooms. */
  | { readonly type: "views"; readonly rooms: readonly string[] }
  | { readonly type: "account"; readonly member: number; readonly room: string };

/** Answers of a load process, by command. */
export interface LoadAnswers {
  readonly join: null;
  readonly publish: null;
  readonly progress: LoadProgress;
  readonly leave: null;
  readonly stop: Readonly<Record<string, number>>;
  readonly behind: number;
  readonly digests: readonly PresenceDigest[];
  readonly views: readonly PresenceView[];
  readonly account: MemberReport;
}

/** Progress of a load process. */
export interface LoadProgress {
  readonly members: number;
  readonly live: number;
  readonly published: number;
  readonly pending: number;
  readonly delivered: number;
  readonly reconnects: number;
}

/** Result of one member at the end. */
export interface MemberReport {
  readonly account: MemberAccount;
  /** Count of other errors by code. */
  readonly errors: Readonly<Record<string, number>>;
}
