/** Kind of a frame: some members see no presence, and slow ones get nothing ephemeral. */
export type FrameKind = "message" | "ephemeral" | "presence" | "reply";

/** A member of the room, as its outbound queue sees it. */
export interface Recipient {
  /** True if it takes several frames in one WebSocket message, as a JSON array. */
  readonly joinsFrames: boolean;
  /** Beginning of its frames, if it has other rooms on the same socket (`roomLabel`). */
  readonly label: string | undefined;
  readonly seesPresence: boolean;
  readonly isSlow: boolean;
  /** Sends a text. Must not call the queue. */
  send(text: string): void;
}

/** True if a recipient gets frames of a kind. */
export function takes(recipient: Recipient, kind: FrameKind): boolean {
  if (kind === "presence") return recipient.seesPresence;
  return kind !== "ephemeral" || !recipient.isSlow;
}
