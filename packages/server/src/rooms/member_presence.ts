import type { User } from "../auth/user.ts";
import { CLOSE } from "../../../protocol/close_codes.ts";
import type { Socket } from "../socket/socket.ts";
import type { RoomDeps } from "./room_deps.ts";

/**
 * Time after a takeover from which a frame shows that the old connection is alive, in milliseconds.
 * Frames that a broken connection had under way have arrived by then.
 */
const TAKEN_OVER_MS = 2_000;
/**
 * The same for a client without a heartbeat. The runtime's pings end a broken connection earlier.
 */
const TAKEN_OVER_SILENT_MS = 60_000;

/** The member, as its presence entry sees it. */
export interface PresenceOwner {
  readonly connection: string;
  readonly socket: Pick<Socket, "isOpen">;
  /** Its id owns the entry. */
  readonly user: Pick<User, "id">;
  readonly seesPresence: boolean;
  /** True if the server closed the connection. */
  readonly isClosedByUs: boolean;
  /** Logs a failure of the backplane. */
  logFailure(error: unknown): void;
}

/** Presence entry of a member in the backplane. A resume may take it over. */
export class MemberPresence {
  readonly #member: PresenceOwner;
  readonly #key: string;
  readonly #deps: Pick<RoomDeps, "backplane" | "limits" | "now">;
  /** True if there may be an entry, also one from before the member lost the permission. */
  #mayExist: boolean;
  /** Entry that a resume took over, although this connection is open. */
  #takenOver: { readonly state: string; readonly at: number } | undefined;

  /** `key` is the room's name in the backplane. */
  constructor(member: PresenceOwner, key: string, deps: RoomDeps) {
    this.#member = member;
    this.#key = key;
    this.#deps = deps;
    this.#mayExist = member.seesPresence;
  }

  /** Records that the member has the permission. */
  permit(): void {
    this.#mayExist = true;
  }

  /** Enters, or changes the state of the entry. Rejects if the backplane does. */
  async enter(state: string): Promise<void> {
    this.settled();
    await this.#enter(state);
  }

  /** Leaves. Rejects if the backplane does. */
  async leave(): Promise<void> {
    this.settled();
    await this.#leave();
  }

  /** Removes the entry of a member that lost the permission. Rejects if the backplane does. */
  async revoke(): Promise<void> {
    if (!this.#mayExist) return;
    await this.#leave();
    this.#mayExist = this.#member.seesPresence;
  }

  /** Ends the entry: at once after a normal close, else after the disconnect grace period. */
  async end(code: number): Promise<void> {
    if (!this.#mayExist) return;
    const { backplane, limits } = this.#deps;
    const ending = isNormalClose(code)
      ? this.#leave()
      : backplane.linger(this.#key, this.#member.connection, limits.presence_grace_ms);
    await ending.catch((error: unknown) => this.#member.logFailure(error));
  }

  /** Records that a resume took over the entry, with this state. */
  takenOver(state: string): void {
    if (!this.#member.isClosedByUs) this.#takenOver = { state, at: this.#deps.now() };
  }

  /** Records that the entry is what it should be. */
  settled(): void {
    this.#takenOver = undefined;
  }

  /** Handles a frame: a connection that lost its entry and is alive enters again. */
  heard(): void {
    if (this.#takenOver) void this.#enterAgain(TAKEN_OVER_MS);
  }

  /** Handles a check of a connection without a heartbeat, which is alive as long as it is open. */
  checkSilent(): void {
    if (this.#takenOver) void this.#enterAgain(TAKEN_OVER_SILENT_MS);
  }

  /** Never rejects. */
  async #enterAgain(afterMs: number): Promise<void> {
    const taken = this.#takenOver;
    if (!taken || this.#deps.now() - taken.at < afterMs) return;
    this.#takenOver = undefined;
    if (!this.#member.seesPresence || !this.#member.socket.isOpen) return;
    try {
      await this.#enter(taken.state);
    } catch (error) {
      // The next sign of life tries again.
      this.#takenOver ??= taken;
      this.#member.logFailure(error);
    }
  }

  async #enter(state: string): Promise<void> {
    const { user, connection } = this.#member;
    await this.#deps.backplane.enter(this.#key, { user: user.id, connection, state });
  }

  async #leave(): Promise<void> {
    await this.#deps.backplane.leave(this.#key, this.#member.connection);
  }
}

/**
 * True for a normal close: by the client with 1000 or no code, or an eviction. Other ends may be
 * accidents.
 */
function isNormalClose(code: number): boolean {
  return code === CLOSE.done || code === 1005 || code === CLOSE.notAllowed;
}
