import type { MemberAccount } from "./ledger.ts";
import type { PresenceGlimpse, PresenceView } from "./presence_view.ts";
import type { MemberJob } from "./soak_member.ts";

/** What a load process is asked to do; one line of JSON each, on its input. */
export type LoadCommand =
  /** Connect all members, so many at a time; answered when all are live. */
  | { readonly type: "join"; readonly members: readonly MemberJob[]; readonly atOnce: number }
  /** Begin to publish: so many messages a second, all members together, each by a member that is drawn. */
  | { readonly type: "publish"; readonly perSecond: number; readonly seed: number }
  | { readonly type: "progress" }
  /** These close for good. */
  | { readonly type: "leave"; readonly members: readonly number[] }
  /** No more is published; answered with the head of every room as far as it is known. */
  | { readonly type: "stop" }
  /** Answered with how many members have not caught up with these heads yet. */
  | { readonly type: "behind"; readonly heads: Readonly<Record<string, number>> }
  /** Whom members see. */
  | { readonly type: "glimpses" }
  /** The same at length, in these rooms. */
  | { readonly type: "views"; readonly rooms: readonly string[] }
  | { readonly type: "account"; readonly member: number };

/** What a load process answers to each. */
export interface LoadAnswers {
  readonly join: null;
  readonly publish: null;
  readonly progress: LoadProgress;
  readonly leave: null;
  readonly stop: Readonly<Record<string, number>>;
  readonly behind: number;
  readonly glimpses: readonly PresenceGlimpse[];
  readonly views: readonly PresenceView[];
  readonly account: MemberReport;
}

/** What goes on in a load process. */
export interface LoadProgress {
  readonly members: number;
  readonly live: number;
  readonly published: number;
  readonly pending: number;
  readonly delivered: number;
  readonly reconnects: number;
}

/** What one member has to say at the end. */
export interface MemberReport {
  readonly account: MemberAccount;
  /** Errors that belonged to no promise, by code. */
  readonly errors: Readonly<Record<string, number>>;
}
