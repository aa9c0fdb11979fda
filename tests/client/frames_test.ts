/**
 * The client's frame types are those of the server's schemas. This file compiles only if they are.
 */
import { assertEquals } from "@std/assert";
import type * as z from "zod/mini";
import type { ErrorCode } from "../../packages/protocol/error_codes.ts";
import type { ServerErrorCode } from "../../packages/client/errors.ts";
import type { ClientFrame, ServerFrame } from "../../packages/client/mod.ts";
import type { ClientFrame as ClientSchema } from "../../packages/server/src/schemas/client_frames.ts";
import type { Same } from "../../packages/server/src/schemas/same_type.ts";
import type { ServerFrame as ServerSchema } from "../../packages/server/src/schemas/server_frames.ts";

type FromServer = z.infer<typeof ServerSchema>;
type FromClient = z.infer<typeof ClientSchema>;
type FrameOf<Frame extends { readonly type: string }, Type extends string> = Extract<
  Frame,
  { readonly type: Type }
>;

const serverFrames: {
  readonly [Type in FromServer["type"]]: Same<FrameOf<ServerFrame, Type>, FrameOf<FromServer, Type>>;
} = {
  welcome: true,
  message: true,
  presence: true,
  ack: true,
  history: true,
  result: true,
  authenticated: true,
  expiring: true,
  pong: true,
  gap: true,
  draining: true,
  error: true,
};
const clientFrames: {
  readonly [Type in FromClient["type"]]: Same<FrameOf<ClientFrame, Type>, FrameOf<FromClient, Type>>;
} = {
  publish: true,
  presence: true,
  history: true,
  call: true,
  auth: true,
  ping: true,
};
const names: Same<ServerFrame["type"] | ClientFrame["type"], FromServer["type"] | FromClient["type"]> = true;
const codes: Same<ServerErrorCode, ErrorCode> = true;

Deno.test("the client's frames and codes are the server's", () => {
  const all = [...Object.values(serverFrames), ...Object.values(clientFrames), names, codes];
  assertEquals(all.filter((isSame) => !isSame), []);
});

Deno.test("a field that is missing, optional or wider on one side is a difference", () => {
  const missing: Same<{ id: string }, { id: string; field?: string }> = false;
  const optional: Same<{ id: string }, { id?: string }> = false;
  const wider: Same<{ code: "a" }[], { code: string }[]> = false;
  const writable: Same<{ ids: string[] }, { readonly ids: string[] }> = true;
  assertEquals([missing, optional, wider, writable], [false, false, false, true]);
});
