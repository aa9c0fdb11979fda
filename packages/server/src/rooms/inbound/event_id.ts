import type { JoinFrom } from "../join_request.ts";

/**
 * Creates what names the events of one stream: `EPOCH:OFFSET` for a durable message, nothing for most other frames. It learns the
 * epoch from the `welcome` that comes first.
 */
export function createEventId(from: JoinFrom): (frame: string) => string | undefined {
  let epoch = "";
  return (frame) => {
    // The beginning of a message frame is of our own making (frame_text.ts): no need to parse what may be 64 KiB.
    const offset = /^\{"type":"message","offset":(\d+),/.exec(frame)?.[1];
    if (offset !== undefined) return `${epoch}:${offset}`;
    if (!frame.startsWith('{"type":"welcome"')) return undefined;
    const welcome: { epoch: string; offset: number } = JSON.parse(frame);
    epoch = welcome.epoch;
    // Who listens from now on has everything up to here. In front of a replay it would be too much said.
    return from.type === "live" ? `${epoch}:${welcome.offset}` : undefined;
  };
}

/** Where a stream goes on after the event that its client saw last; undefined for what is no id of ours. */
export function lastEvent(id: string | undefined): JoinFrom | undefined {
  const [, epoch, after] = id?.match(/^(.+):(\d{1,15})$/) ?? [];
  return epoch === undefined ? undefined : { type: "resume", epoch, after: Number(after) };
}
