import type { Config } from "../config/variables.ts";
import { LazyRooms } from "../rooms/lazy_rooms.ts";
import { MAX_PAGE, MAX_STATE_BYTES } from "../../../protocol/limits.ts";
import type { RoomDeps } from "../rooms/room_deps.ts";
import { ReadLimits } from "../rooms/read_limits.ts";
import { FlushScheduler } from "../rooms/outbound/flush_scheduler.ts";
import type { TokenWatchDeps } from "../socket/watch_token.ts";

/** Creates the rooms on a backplane, with the configured limits. */
export function createRooms(
  config: Config,
  deps: TokenWatchDeps & Pick<RoomDeps, "backplane" | "verifier" | "log" | "metrics" | "now">,
): LazyRooms {
  return new LazyRooms({
    ...deps,
    scheduler: new FlushScheduler(),
    reads: new ReadLimits(),
    limits: {
      max_frame_bytes: config.MAX_FRAME_BYTES,
      frames_per_second: config.FRAMES_PER_SECOND,
      frames_burst: config.FRAMES_BURST,
      user_requests_per_second: config.USER_REQUESTS_PER_SECOND,
      joins_per_second: config.JOINS_PER_SECOND,
      joins_burst: config.JOINS_BURST,
      max_members: config.MAX_MEMBERS_PER_ROOM,
      max_connections_per_user: config.MAX_CONNECTIONS_PER_USER,
      max_connections: config.MAX_CONNECTIONS,
      max_rooms: config.MAX_ROOMS_PER_SOCKET,
      max_calls: config.MAX_CALLS,
      hook_timeout_ms: config.HOOK_TIMEOUT_MS,
      max_state_bytes: MAX_STATE_BYTES,
      max_page: MAX_PAGE,
      history_messages: config.HISTORY_MESSAGES,
      history_seconds: config.HISTORY_SECONDS,
      dedupe_seconds: config.DEDUPE_SECONDS,
      presence_grace_ms: config.PRESENCE_GRACE_MS,
    },
    heartbeatMs: config.HEARTBEAT_MS,
    ephemeralTickMs: config.EPHEMERAL_TICK_MS,
    expiryWarningMs: config.EXPIRY_WARNING_SECONDS * 1000,
    maxPendingPublishes: config.MAX_QUEUED_FRAMES,
  });
}
