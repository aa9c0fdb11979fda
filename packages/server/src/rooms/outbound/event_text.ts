import type { JoinFrom } from "../join_request.ts";
import { HEARTBEAT_TEXT } from "./frame_text.ts";

/** Options of the events of one stream. */
export interface EventTextOptions {
  /** Start of the stream. */
  readonly from: JoinFrom;
  /** True for named events, and comments as keep-alives (`?events=named`). */
  readonly isNamed: boolean;
}

/**
 * Creates the function that turns the frames of one stream into Server-Sent Events, with the ids
 * that docs/protocol.md, rule 12.10, specifies.
 */
export function createEventText({ from, isNamed }: EventTextOptions): (frame: string) => string {
  const idOf = createEventId(from);
  return (frame) => {
    if (isNamed && frame === HEARTBEAT_TEXT) return ": keep-alive\n\n";
    const id = idOf(frame);
    const name = isNamed ? `event: ${eventName(frame)}\n` : "";
    return `${id === undefined ? "" : `id: ${id}\n`}${name}data: ${frame}\n\n`;
  };
}

/** Type of a frame. `error` is `problem`: EventSource has an event `error` of its own. */
function eventName(frame: string): string {
  const type = /^\{"type":"(\w+)"/.exec(frame)?.[1] ?? "message";
  return type === "error" ? "problem" : type;
}

/**
 * Creates the function that gives events their ids, `EPOCH:OFFSET`: a resume after an id misses
 * nothing. Frames that do not change the position have none.
 */
function createEventId(from: JoinFrom): (frame: string) => string | undefined {
  let epoch = "";
  let head = 0;
  return (frame) => {
    // frame_text.ts writes the beginning of a message frame, so that 64 KiB need not be parsed.
    const offset = /^\{"type":"message","offset":(\d+),/.exec(frame)?.[1];
    if (offset !== undefined) return `${epoch}:${offset}`;
    // An own message that was excluded: the ack stands in its place.
    const excluded = /^\{"type":"ack".*"offset":(\d+),"excluded":true\}$/.exec(frame)?.[1];
    if (excluded !== undefined) return `${epoch}:${excluded}`;
    if (frame.startsWith('{"type":"welcome"')) {
      const welcome: { epoch: string; offset: number } = JSON.parse(frame);
      ({ epoch, offset: head } = welcome);
      return startId(from, welcome);
    }
    if (!frame.startsWith('{"type":"gap"')) return undefined;
    const { to }: { to: number | null } = JSON.parse(frame);
    // A gap beyond the head names messages of a lost history; what comes next follows the head.
    return `${epoch}:${Math.min(to ?? 0, head)}`;
  };
}

/** Position before the first message of a stream. A resume from there repeats its gaps too. */
function startId(from: JoinFrom, { epoch, offset }: { epoch: string; offset: number }): string {
  if (from.type === "live") return `${epoch}:${offset}`;
  if (from.type === "history") return `${epoch}:${Math.max(0, offset - from.count)}`;
  // A line break in a client's own text would begin another field.
  return `${/^[\w.~-]*$/.test(from.epoch) ? from.epoch : "unknown"}:${from.after}`;
}
