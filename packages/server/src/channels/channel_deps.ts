import type { Verifier } from "../auth/verification.ts";
import type { Authorize } from "../rooms/policy/authorize.ts";
import type { ChannelRooms } from "./channel_rooms.ts";

/** Dependencies of channels. */
export interface ChannelDeps {
  readonly rooms: ChannelRooms;
  /** Verifies API keys, and tokens with or without a user. */
  readonly keys: Verifier;
  /** The policy of private channels. It gets a channel's name as users write it. */
  readonly authorize: Authorize;
  /** True if public channels are refused. */
  readonly privateOnly: boolean;
  /** True while the isolate ends. */
  readonly isDraining: () => boolean;
  /** Random number from 0 to below 1. */
  readonly random: () => number;
}
