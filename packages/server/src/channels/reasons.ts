/**
 * Reasons for a client, in the words of Supabase Realtime where it has them: applications compare
 * them.
 */
export const REASONS = {
  unmatchedTopic: "unmatched topic",
  noName: "TopicNameRequired: You must provide a topic name",
  privateOnly: "PrivateOnly: This project only allows private channels",
  roomFull: "ConnectionRateLimitReached: Too many connected users",
  tooManyJoins: "ClientJoinRateLimitReached: Too many joins per second",
  tooManyChannels: "ChannelRateLimitReached: Too many channels",
  restarting: "RealtimeRestarting: Realtime is restarting, please standby",
  failed: "Unknown Error on Channel",
  publicReplay: "UnableToReplayMessages: Replay is not allowed for public channels",
  wrongReplay: "UnableToReplayMessages: Replay params are not valid",
  noHistory: "UnableToReplayMessages: You do not have permissions to read the history of this Channel topic",
  malformedToken: "MalformedJWT: The token provided is not a valid JWT",
  badSignature: "JwtSignatureError: Failed to validate JWT signature",
  noTrack: "Presence track payload must be a map",
  largeTrack: "Track message size exceeded",
  tooManyMessages: "Too many messages per second",
  persistIsPrivate: "persist is only for private channels",
} as const;

/** The user may not join. */
export function mayNotRead(name: string): string {
  return `You do not have permissions to read from this Channel topic: ${name}`;
}

/** The user may not send. */
export function mayNotWrite(name: string): string {
  return `You do not have permissions to write to this Channel topic: ${name}`;
}

/** The token expired at a time, both in milliseconds since 1970. */
export function hasExpired(atMs: number, nowMs: number): string {
  return `Token has expired ${Math.max(0, Math.floor((nowMs - atMs) / 1000))} seconds ago`;
}
