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

/**
 * Frames joined for all recipients with one label. A recipient with frames of its own gets them
 * put into this text, since joining all frames again would cost as much as handling a publish.
 */
export class JoinedFrames {
  /** The frames as one WebSocket message. */
  readonly text: string;
  readonly #list: string;
  readonly #label: string | undefined;
  /** Where each frame ends in the list, by position. */
  readonly #ends: number[] = [];

  constructor(frames: readonly Frame[], label: string | undefined) {
    const texts = [];
    let end = 0;
    for (const { text } of frames) {
      if (text !== "") {
        const own = labelled(text, label);
        texts.push(own);
        end += 1 + own.length;
      }
      this.#ends.push(end);
    }
    this.text = join(texts);
    this.#list = texts.length === 1 ? `[${this.text}]` : this.text;
    this.#label = label;
  }

  /** The text with the frames of one recipient, each at its position. */
  with(unicast: readonly UnicastFrame[]): string {
    let joined = "";
    let from = 0;
    for (const { text, position } of unicast) {
      const at = Math.max(1, this.#ends[position - 1] ?? 0);
      const own = labelled(text, this.#label);
      joined += this.#list.slice(from, at) + (at === 1 ? `${own},` : `,${own}`);
      from = at;
    }
    return joined + this.#list.slice(from);
  }
}

/** Sends frames to one recipient, joined if it takes that. */
export function sendFrames(recipient: Recipient, frames: readonly Frame[]): void {
  const texts = [];
  for (const { text } of frames) if (text !== "") texts.push(labelled(text, recipient.label));
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
