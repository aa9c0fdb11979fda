/**
 * Bounds of the rooms protocol that are the same everywhere. Those that a deployment may set are told in `welcome`
 * (docs/protocol.md, "Limits").
 */

/** Longest `id` of a client's frame, in characters. */
export const MAX_ID_LENGTH = 64;
/** Longest name of an event, in characters. */
export const MAX_EVENT_LENGTH = 64;
/** Largest presence state, in bytes of its JSON as UTF-8. */
export const MAX_STATE_BYTES = 4_096;
/** Most messages of one page of history, and most that `history=` brings on joining. */
export const MAX_PAGE = 500;
/** Most frames that a client may send in one WebSocket message. */
export const MAX_FRAMES_PER_MESSAGE = 100;
/** How deep arrays and objects of `data` or `state` may be nested. */
export const MAX_JSON_DEPTH = 64;

/** What a client that is closed for flooding is told to wait before it connects again, in milliseconds. */
export const FLOOD_WAIT_MS = 10_000;

/** The limits that a deployment sets and every member is told in `welcome`. */
export interface RoomLimits {
  /** Largest WebSocket message from a client, in bytes. */
  readonly max_frame_bytes: number;
  /** Frames that a connection may send a second, on average. */
  readonly frames_per_second: number;
  /** Frames that a connection may send at once after a pause. */
  readonly frames_burst: number;
  /** Members of one room in one isolate. */
  readonly max_members: number;
  /** Connections of one user to one isolate. */
  readonly max_connections_per_user: number;
  /** Connections to one isolate. */
  readonly max_connections: number;
  /** Largest presence state, in bytes. */
  readonly max_state_bytes: number;
  /** Most messages of one page of history. */
  readonly max_page: number;
  /** Messages that a room keeps. */
  readonly history_messages: number;
  /** How long a room keeps a message, in seconds. */
  readonly history_seconds: number;
  /** How long a repeated publish `id` is recognized, in seconds. */
  readonly dedupe_seconds: number;
  /** How long a lost member stays present for a resume, in milliseconds. */
  readonly presence_grace_ms: number;
}
