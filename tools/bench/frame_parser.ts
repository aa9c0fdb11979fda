/**
 * Cost of parsing one frame with the parser of sockets, beside the schema that it is held equal to:
 * `deno bench -A --no-check --frozen tools/bench/frame_parser.ts`.
 */
import { parseClientFrame } from "../../packages/server/src/rooms/inbound/parse_client_frame.ts";
import { ClientFrame } from "../../packages/server/src/schemas/client_frames.ts";

const data = { text: "hello", at: [1, 2, 3] };
/** Frames as `JSON.parse` makes them. */
const FRAMES: Readonly<Record<string, unknown>> = {
  publish: { type: "publish", id: "0f3c9e52", event: "chat", data },
  "publish to one": {
    type: "publish",
    id: "0f3c9e52",
    event: "chat",
    data,
    ephemeral: true,
    to: { user: "a" },
  },
  ping: { type: "ping", id: "0f3c9e52" },
  "a wrong event": { type: "publish", id: "0f3c9e52", event: "", data },
};

/** Results go here, so that the compiler cannot leave the work out. */
export let result: unknown;

for (const [group, frame] of Object.entries(FRAMES)) {
  const text = JSON.stringify(frame);
  const value: unknown = JSON.parse(text);
  Deno.bench("JSON.parse alone", { group }, () => void (result = JSON.parse(text)));
  Deno.bench("schema", { group, baseline: true }, () => void (result = ClientFrame.safeParse(value)));
  Deno.bench("parser", { group }, () => void (result = parseClientFrame(value)));
}
