/** The client's types of frames are the server's schemas; this file compiles only while they are. */
import { assertEquals } from "@std/assert";
import type { ClientFrame, ServerErrorCode, ServerFrame } from "../../client/frames.ts";
import type { ClientFrame as ClientSchema } from "../../supabase/functions/realtime/protocol/client_frames.ts";
import type { ErrorCode } from "../../supabase/functions/realtime/protocol/errors.ts";
import type { ServerFrame as ServerSchema } from "../../supabase/functions/realtime/protocol/server_frames.ts";

/** Whether one can stand for the other, in both directions, whether or not a field may be written. */
type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;

const serverFrames: {
  readonly [Type in ServerSchema["type"]]: Same<FrameOf<ServerFrame, Type>, FrameOf<ServerSchema, Type>>;
} = {
  welcome: true,
  message: true,
  presence: true,
  ack: true,
  history: true,
  authenticated: true,
  expiring: true,
  pong: true,
  gap: true,
  draining: true,
  error: true,
};
const clientFrames: {
  readonly [Type in ClientSchema["type"]]: Same<FrameOf<ClientFrame, Type>, FrameOf<ClientSchema, Type>>;
} = {
  publish: true,
  presence: true,
  history: true,
  auth: true,
  ping: true,
};
type FrameOf<Frame extends { readonly type: string }, Type extends string> = Extract<
  Frame,
  { readonly type: Type }
>;
const names: Same<ServerFrame["type"] | ClientFrame["type"], ServerSchema["type"] | ClientSchema["type"]> =
  true;
const codes: Same<ServerErrorCode, ErrorCode> = true;

Deno.test("the client's frames and codes are the server's", () => {
  const all = [...Object.values(serverFrames), ...Object.values(clientFrames), names, codes];
  assertEquals(all.filter((isSame) => !isSame), []);
});
