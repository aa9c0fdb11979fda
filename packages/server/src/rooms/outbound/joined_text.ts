import type { FrameKind, Recipient } from "./recipient.ts";
import { labelled } from "./room_label.ts";

/** A frame as text. A newer frame stands for one whose text is empty. */
export interface Frame {
  readonly text: string;
  readonly kind: FrameKind;
}

/** A frame for one recipient, and the number of pending frames for all that come before it. */
export interface UnicastFrame extends Frame {
  readonly position: number;
}

/** Joins frames into one WebSocket message. */
export function join(texts: readonly string[]): string {
  const [first] = texts;
  return first !== undefined && texts.length === 1 ? first : `[${texts.join(",")}]`;
}

/** Texts of the frames, with a label each if one is given. */
export function textsOf(frames: readonly Frame[], label?: string): string[] {
  const texts = [];
  for (const { text } of frames) if (text !== "") texts.push(labelled(text, label));
  return texts;
}

/** Adds frames to joined ones. */
export function append(joined: string, frames: readonly Frame[], label?: string): string {
  const before = joined.startsWith("[") ? joined.slice(0, -1) : `[${joined}`;
  return `${before},${textsOf(frames, label).join(",")}]`;
}

/** Sends frames to one recipient, joined if it takes that. */
export function sendFrames(recipient: Recipient, frames: readonly Frame[]): void {
  const texts = textsOf(frames, recipient.label);
  if (texts.length === 0) return;
  if (recipient.joinsFrames) recipient.send(join(texts));
  else for (const text of texts) recipient.send(text);
}

/** Merges frames for all with those for one, in the order in which they were created. */
export function merge<F extends Frame>(
  pending: readonly F[],
  unicast: readonly UnicastFrame[],
): (F | UnicastFrame)[] {
  const merged: (F | UnicastFrame)[] = [];
  let next = 0;
  pending.forEach((frame, position) => {
    for (let own = unicast[next]; own && own.position <= position; own = unicast[++next]) merged.push(own);
    merged.push(frame);
  });
  return [...merged, ...unicast.slice(next)];
}
