import { BackplaneUnavailable } from "../../backplane/contract.ts";
import { CLOSE } from "../../../../protocol/close_codes.ts";
import type { JoinRequest } from "../join_request.ts";
import type { Member } from "../member.ts";
import type { RoomDeps } from "../room_deps.ts";
import { hookError, logHookFailure } from "./hook_failure.ts";
import { MemberContext } from "./member_context.ts";
import { Refusal } from "./refuse.ts";
import type { RoomCode, RoomContext } from "./room_code.ts";
import { TookTooLong, withinTime } from "./within_time.ts";

/** A member that `onJoin` let in. */
interface Entered {
  readonly context: RoomContext;
  readonly onLeave: RoomCode["onLeave"];
  isLeaving: boolean;
  /** Settles when `onLeave` has run. */
  readonly left: PromiseWithResolvers<void>;
}

/** Runs `onJoin` and `onLeave` of members: `onLeave` once, for each member that `onJoin` let in. */
export class MemberHooks {
  readonly #deps: Pick<RoomDeps, "limits" | "log">;
  /** Members whose `onLeave` has not run. */
  readonly #entered = new Map<Member, Entered>();

  constructor(deps: Pick<RoomDeps, "limits" | "log">) {
    this.#deps = deps;
  }

  /** Runs `onJoin`. Returns false if the member may not join: it was told why, and is closed. */
  async join(member: Member, { code, key }: Pick<JoinRequest, "code" | "key">): Promise<boolean> {
    if (!code?.onJoin && !code?.onLeave) return true;
    const { onJoin, onLeave, rooms } = code;
    const { limits, log } = this.#deps;
    const context = new MemberContext(member, key, rooms);
    try {
      await withinTime(onJoin?.(context), limits.hook_timeout_ms);
      this.#entered.set(member, { context, onLeave, isLeaving: false, left: Promise.withResolvers() });
      return true;
    } catch (error) {
      const answer = hookError({ hook: "onJoin", error, member }, log);
      member.close(closeCodeOf(error), "onJoin did not let the user in", answer);
      return false;
    }
  }

  /** Runs `onLeave` if the member was let in. Never rejects; a second call does nothing. */
  async leave(member: Member): Promise<void> {
    const entered = this.#entered.get(member);
    if (!entered || entered.isLeaving) return;
    entered.isLeaving = true;
    // Still in the map while the hook runs: `done` waits for it.
    const { context, onLeave, left } = entered;
    try {
      await withinTime(onLeave?.(context), this.#deps.limits.hook_timeout_ms);
    } catch (error) {
      logHookFailure({ hook: "onLeave", error, member }, this.#deps.log);
    }
    this.#entered.delete(member);
    left.resolve();
  }

  /** Resolves when every `onLeave` has run, at the latest after twice a hook's time. */
  async done(): Promise<void> {
    if (this.#entered.size === 0) return;
    const all = Promise.all([...this.#entered.values()].map(({ left }) => left.promise));
    await withinTime(all, 2 * this.#deps.limits.hook_timeout_ms).catch(() => {});
  }
}

function closeCodeOf(error: unknown): number {
  if (error instanceof Refusal) return CLOSE.notAllowed;
  const mayPass = error instanceof TookTooLong || error instanceof BackplaneUnavailable;
  return mayPass ? CLOSE.tooSlow : CLOSE.internal;
}
