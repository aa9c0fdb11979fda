/** The client's types of frames are the server's schemas; this file compiles only while they are. */
import { assertEquals } from "@std/assert";
import type { ClientFrame, ServerFrame } from "../../packages/protocol/frames.ts";
import type { ClientFrame as ClientSchema } from "../../packages/server/src/schemas/client_frames.ts";
import type { ErrorCode } from "../../packages/protocol/error_codes.ts";
import type { ServerErrorCode } from "../../packages/client/errors.ts";
import type { ServerFrame as ServerSchema } from "../../packages/server/src/schemas/server_frames.ts";

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
