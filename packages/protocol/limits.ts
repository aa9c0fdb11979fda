/**
 * Fixed bounds of the rooms protocol. `welcome` carries those that a deployment may set
 * (docs/protocol.md, "Limits").
 */

/** Longest `id` of a client's frame, in characters. */
export const MAX_ID_LENGTH = 64;
/** Longest name of an event, in characters. */
export const MAX_EVENT_LENGTH = 64;
/** Longest `key` of an ephemeral message, in characters. */
export const MAX_KEY_LENGTH = 64;
/** Largest presence state, in bytes of its JSON as UTF-8. */
export const MAX_STATE_BYTES = 4_096;
/** Longest name of a method that a client calls, in characters. */
export const MAX_METHOD_LENGTH = 64;
/** Most messages of one page of history, and most that `history=` replays on joining. */
export const MAX_PAGE = 500;
/** Messages of a page of history if the request names no limit. */
export const DEFAULT_PAGE = 100;
/** Most frames that a client may send in one WebSocket message. */
export const MAX_FRAMES_PER_MESSAGE = 100;
/** Deepest nesting of arrays and objects in `data` or `state`. */
export const MAX_JSON_DEPTH = 64;

/** Most messages that one HTTP request may publish. */
export const MAX_BATCH_MESSAGES = 100;
/** Longest reason of a kick or a disconnect, in characters. */
export const MAX_REASON_LENGTH = 200;

/** Wait before reconnecting, sent to a client that is closed for flooding, in milliseconds. */
export const FLOOD_WAIT_MS = 10_000;

/** Limits that a deployment sets. Every member receives them in `welcome`. */
export interface RoomLimits {
  /** Largest WebSocket message from a client, in bytes. */
  readonly max_frame_bytes: number;
  /** Frames that a connection may send per second, on average. */
  readonly frames_per_second: number;
  /** Frames that a connection may send at once after a pause. */
  readonly frames_burst: number;
  /** HTTP requests to rooms that a user may send per second, on average. */
  readonly user_requests_per_second: number;
  /** Connections that a user may open per second, on average. */
  readonly joins_per_second: number;
  /** Connections that a user may open at once after a pause. */
  readonly joins_burst: number;
  /** Members of one room in one isolate. */
  readonly max_members: number;
  /** Connections of one user to one isolate. */
  readonly max_connections_per_user: number;
  /** Connections to one isolate. */
  readonly max_connections: number;
  /** Rooms of one socket for many rooms. */
  readonly max_rooms: number;
  /** Calls of one member that may be under way. */
  readonly max_calls: number;
  /** Time after which a hook or a call of the endpoint has failed, in milliseconds. */
  readonly hook_timeout_ms: number;
  /** Largest presence state, in bytes. */
  readonly max_state_bytes: number;
  /** Most messages of one page of history. */
  readonly max_page: number;
  /** Messages that a room retains. */
  readonly history_messages: number;
  /** Time for which a room retains a message, in seconds. */
  readonly history_seconds: number;
  /** Time for which a repeated publish `id` is recognized, in seconds. */
  readonly dedupe_seconds: number;
  /** Disconnect grace period: a lost member stays present this long, in milliseconds. */
  readonly presence_grace_ms: number;
}
