import { decodeJwt } from "jose/jwt/decode";
import { canonicalToken } from "../auth/canonical_token.ts";
import type { SessionConnection } from "../auth/session_watch.ts";
import type { User } from "../auth/user.ts";
import type { Refusal } from "../auth/verification.ts";
import {
  EVERYTHING,
  type PermissionWatch,
  PolicyFailed,
  type RoomPermissions,
} from "../rooms/policy/authorize.ts";
import type { Timed } from "../socket/timing_wheel.ts";
import type { ChannelDeps } from "./channel_deps.ts";
import { isProject } from "./identity.ts";
import { hasExpired, mayNotRead, REASONS } from "./reasons.ts";

/** The channel, as its access sees it. */
export interface AccessOwner {
  readonly name: string;
  readonly isPrivate: boolean;
  readonly hasEnded: boolean;
  /** The user of the socket's API key, which counts without a token. */
  readonly keyUser: User;
  /** Ends the channel for good, with a text for the user. */
  endWith(message: string): void;
  /** Learns that its permissions changed. */
  permitted(): void;
  logFailure(error: unknown): void;
}

/** Longest time between two checks; the wheel shortens it. */
const RARELY_MS = 3_600_000;
/** API keys are no tokens. Clients send theirs in place of a token when nobody is signed in. */
const KEY_PREFIX = "sb_";

/** The user of a channel and its permissions: token, expiry, session, policy. */
export class ChannelAccess implements Timed, SessionConnection {
  readonly #owner: AccessOwner;
  readonly #deps: ChannelDeps;
  #user: User;
  #token: string | undefined;
  #permissions: RoomPermissions = EVERYTHING;
  #watch: PermissionWatch | undefined;

  constructor(owner: AccessOwner, deps: ChannelDeps) {
    this.#owner = owner;
    this.#deps = deps;
    this.#user = owner.keyUser;
  }

  get user(): User {
    return this.#user;
  }

  get permissions(): RoomPermissions {
    return this.#permissions;
  }

  /**
   * Decides about the user of a token, or of the API key without one. Returns the reason of a
   * refusal. A rejection is a policy that cannot be asked now.
   */
  async admit(token: unknown): Promise<string | undefined> {
    let user = this.#owner.keyUser;
    const given = typeof token === "string" && token !== "" && !token.startsWith(KEY_PREFIX)
      ? token
      : undefined;
    if (given !== undefined) {
      const verification = await this.#deps.keys.verify(given);
      if (!verification.ok) return reasonOf(verification, given, this.#deps.rooms.deps.wallNow());
      user = verification.user;
    }
    const { isPrivate, name } = this.#owner;
    const permissions = isPrivate && !isProject(user) ? await this.#deps.authorize(user, name) : EVERYTHING;
    if (!permissions.join) return `Unauthorized: ${mayNotRead(name)}`;
    this.#user = user;
    this.#token = given;
    this.#permissions = permissions;
    return undefined;
  }

  /** Follows the user's expiry, session and permissions. */
  start(): void {
    const { wheel, sessions } = this.#deps.rooms.deps;
    wheel.add(this, 0);
    sessions?.add(this, this.#user);
    this.#watch?.stop();
    const { isPrivate, name } = this.#owner;
    this.#watch = isPrivate && !isProject(this.#user)
      ? this.#deps.authorize.watch?.(this.#user.id, name, () => this.#decideAgain())
      : undefined;
    this.#watch?.refresh();
  }

  stop(): void {
    const { wheel, sessions } = this.#deps.rooms.deps;
    wheel.delete(this);
    sessions?.delete(this);
    this.#watch?.stop();
  }

  /** Takes a fresh token. One that is refused, or may not read, ends the channel. */
  async renew(token: unknown): Promise<void> {
    if (typeof token !== "string" || token === this.#token) return;
    const reason = await this.admit(token);
    if (this.#owner.hasEnded) return;
    // The text of a join has a code in front of it.
    if (reason !== undefined) return this.#owner.endWith(reason.replace(/^\w+: /, ""));
    this.start();
    this.#owner.permitted();
  }

  check(): number {
    const { wallNow } = this.#deps.rooms.deps;
    const [now, expiresAt] = [wallNow(), this.#user.expiresAt * 1000];
    if (expiresAt > now) return Math.min(expiresAt - now, RARELY_MS);
    this.#owner.endWith(hasExpired(expiresAt, now));
    return RARELY_MS;
  }

  endSession(): void {
    this.#owner.endWith("The user's session has ended. Sign in again.");
  }

  async #decideAgain(): Promise<void> {
    const user = this.#user;
    const { name } = this.#owner;
    try {
      const permissions = await this.#deps.authorize(user, name);
      // A fresh token came in between, and its own decision follows.
      if (this.#user !== user || this.#owner.hasEnded) return;
      if (!permissions.join) {
        return this.#owner.endWith(`You no longer have permission to read from this Channel topic: ${name}`);
      }
      this.#permissions = permissions;
      this.#owner.permitted();
    } catch (error) {
      if (!(error instanceof PolicyFailed)) throw error;
      this.#owner.logFailure(error);
      this.#owner.endWith(REASONS.failed);
    }
  }
}

/** The reason for a refused token, as Supabase Realtime words it. */
function reasonOf({ code, detail }: Refusal, token: string, now: number): string {
  if (code === "auth_unavailable") return REASONS.restarting;
  if (code === "token_expired") {
    return `InvalidJWTToken: ${hasExpired((decodeJwt(token).exp ?? 0) * 1000, now)}`;
  }
  if (canonicalToken(token) === undefined) return REASONS.malformedToken;
  return detail.includes("signature") ? REASONS.badSignature : `InvalidJWTToken: ${detail}`;
}
