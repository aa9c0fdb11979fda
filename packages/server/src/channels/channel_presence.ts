import { MAX_JSON_DEPTH, MAX_STATE_BYTES } from "../../../protocol/limits.ts";
import type { User } from "../auth/user.ts";
import { MemberPresence } from "../rooms/member_presence.ts";
import type { RoomPermissions } from "../rooms/policy/authorize.ts";
import type { RoomDeps } from "../rooms/room_deps.ts";
import { isDeeperThan } from "../schemas/json_depth.ts";
import { isLargerThan } from "../socket/frame_size.ts";
import { presenceOwner } from "./identity.ts";
import { newRef, type Tracked, trackedState } from "./presence/tracked_state.ts";
import { REASONS } from "./reasons.ts";

/** The channel, as its presence sees it. */
export interface TrackingChannel {
  readonly connection: string;
  readonly user: User;
  readonly permissions: RoomPermissions;
  readonly hasEnded: boolean;
  logFailure(error: unknown): void;
}

/** The presence that one channel tracks. */
export class ChannelPresence {
  readonly #key: string;
  readonly #entry: MemberPresence;
  #tracked: Tracked | undefined;

  /** `room` is the room's name in the backplane, `key` the presence key. */
  constructor(channel: TrackingChannel, room: string, key: string, deps: RoomDeps) {
    this.#key = key;
    const owner = {
      connection: channel.connection,
      socket: {
        get isOpen() {
          return !channel.hasEnded;
        },
      },
      get user() {
        return { id: presenceOwner(channel.user, key) };
      },
      get seesPresence() {
        return channel.permissions.presence;
      },
      get isClosedByUs() {
        return channel.hasEnded;
      },
      logFailure: (error: unknown) => channel.logFailure(error),
    };
    this.#entry = new MemberPresence(owner, room, deps);
  }

  /**
   * Tracks a payload in place of the last one. Returns the reason of a refusal. Rejects if the
   * backplane does.
   */
  async track(payload: unknown): Promise<string | undefined> {
    if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return REASONS.noTrack;
    if (isDeeperThan(payload, MAX_JSON_DEPTH)) {
      return `Presence track payload is nested deeper than ${MAX_JSON_DEPTH} levels`;
    }
    const text = JSON.stringify(payload);
    if (isLargerThan(text, MAX_STATE_BYTES)) {
      return `${REASONS.largeTrack}: it may have ${MAX_STATE_BYTES} bytes`;
    }
    // The same payload keeps its reference, and so is no change.
    const ref = this.#tracked?.payload === text ? this.#tracked.ref : newRef();
    await this.#enter({ key: this.#key, payload: text, ref });
    return undefined;
  }

  async untrack(): Promise<void> {
    this.#tracked = undefined;
    await this.#entry.leave();
  }

  /** Keeps the reference of a lost connection with the same presence: viewers see no change. */
  async keep(ref: string): Promise<void> {
    if (this.#tracked) await this.#enter({ ...this.#tracked, ref });
  }

  /** Records that another connection of the same owner took over the presence. */
  takenOver(state: string): void {
    this.#entry.takenOver(state);
  }

  /** Handles a sign of life of the client. */
  heard(): void {
    this.#entry.heard();
  }

  /** Ends the presence: at once after a normal close, else after the disconnect grace period. */
  async end(code: number): Promise<void> {
    if (this.#tracked) await this.#entry.end(code);
  }

  async #enter(tracked: Tracked): Promise<void> {
    this.#tracked = tracked;
    this.#entry.permit();
    await this.#entry.enter(trackedState(tracked));
  }
}
