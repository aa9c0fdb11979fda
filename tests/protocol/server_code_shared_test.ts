/** docs/protocol.md, section 18 on a socket for many rooms. */
import { assert, assertEquals } from "@std/assert";
import * as z from "zod/mini";
import { refuse } from "../../packages/server/src/rooms/server_code/refuse.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { startRoomEndpoint } from "../support/room_endpoint.ts";
import { SharedClient } from "../support/shared_client.ts";

Deno.test("18.1 a refused join of a socket for many rooms ends that membership only, and hooks see its connection", async () => {
  const left: string[] = [];
  await using running = await startRoomEndpoint({
    name: "x",
    onJoin({ room }) {
      if (room.id === "closed") throw refuse("closed", "Come back tomorrow.");
    },
    onLeave: ({ connection }) => void left.push(connection),
    onPublish: (message) => ({ ...message, data: `${message.data}!` }),
    rpc: { echo: { input: z.string(), output: z.string(), handler: (text) => text } },
  });
  await using alice = await SharedClient.connect(running);
  const refused = await alice.refusedJoin("x/closed");
  assertEquals([refused.code, refused.reason, refused.ended], ["refused", "closed", true]);
  const { connection } = await alice.join("x/open");
  await alice.publish("x/open", "hello");
  assertEquals((await alice.next("message", "x/open")).data, "hello!");
  const result = await alice.ask({ type: "call", room: "x/open", method: "echo", data: "hi" });
  assert(result.type === "result");
  assertEquals([result.room, result.data], ["x/open", "hi"]);
  const wrong = await alice.ask({ type: "call", room: "x/open", method: "jump" });
  assert(wrong.type === "error");
  assertEquals([wrong.room, wrong.code, wrong.field], ["x/open", "invalid_frame", "method"]);
  await alice.leave("x/open");
  await eventually(() => Promise.resolve(left.length), (count) => count > 0);
  assertEquals(left, [connection]);
});
