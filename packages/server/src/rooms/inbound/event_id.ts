import type { JoinFrom } from "../join_request.ts";

/**
 * Creates the function that gives the events of one stream their ids: `EPOCH:OFFSET` for a durable
 * message, undefined for most other frames. The epoch comes from the `welcome` frame.
 */
export function createEventId(from: JoinFrom): (frame: string) => string | undefined {
  let epoch = "";
  return (frame) => {
    // frame_text.ts writes the beginning of a message frame, so that 64 KiB need not be parsed.
    const offset = /^\{"type":"message","offset":(\d+),/.exec(frame)?.[1];
    if (offset !== undefined) return `${epoch}:${offset}`;
    if (!frame.startsWith('{"type":"welcome"')) return undefined;
    const welcome: { epoch: string; offset: number } = JSON.parse(frame);
    epoch = welcome.epoch;
    // A live stream has everything up to here. In front of a replay this would claim too much.
    return from.type === "live" ? `${epoch}:${welcome.offset}` : undefined;
  };
}

/** The start of a stream after the event that its client saw last; undefined for a foreign id. */
export function lastEvent(id: string | undefined): JoinFrom | undefined {
  const [, epoch, after] = id?.match(/^(.+):(\d{1,15})$/) ?? [];
  return epoch === undefined ? undefined : { type: "resume", epoch, after: Number(after) };
}
