/** Options of `emit` for values that come often: `key` and `ack`. */
import { assertEquals, assertRejects } from "@std/assert";
import type { EmitOptions } from "../../packages/client/mod.ts";
import { RoomError } from "../../packages/client/mod.ts";
import { createScene, type SharedScene } from "./shared/shared_scene.ts";

const CURSOR: EmitOptions = { key: "cursor", ack: false };

/** Sockets answer nothing from here on. */
async function goSilent({ server }: SharedScene): Promise<void> {
  await server.settle();
  server.isSilent = true;
}

Deno.test("an emit has its key and its ack in the frame, and without options neither", async () => {
  const { connection, server } = createScene();
  const room = connection.room("lobby");
  await server.settle();
  await room.emit("move", { x: 1 }, { ...CURSOR, exclude: "self" });
  const acked = room.emit("move", { x: 2 });
  await server.settle();
  await acked;
  const frames = server.frames.filter(({ type }) => type === "publish").map(({ id: _, ...frame }): unknown =>
    frame
  );
  const common = { type: "publish", room: "rooms/lobby", event: "move", ephemeral: true };
  assertEquals(frames, [
    { ...common, data: { x: 1 }, key: "cursor", ack: false, exclude: "self" },
    { ...common, data: { x: 2 } },
  ]);
});

Deno.test("without an ack the promise resolves once the socket has the frame, and an end rejects nothing", async () => {
  const scene = createScene();
  const room = scene.connection.room("lobby");
  await goSilent(scene);
  await room.emit("move", 1, CURSOR);
  const acked = assertRejects(() => room.emit("move", 2), RoomError);
  await scene.server.settle();
  scene.server.cut();
  await scene.server.settle();
  assertEquals((await acked).code, "offline");
});

Deno.test("without a connection an emit without an ack is rejected with offline, and never sent", async () => {
  const { connection, server, pass } = createScene();
  const room = connection.room("lobby");
  assertEquals((await assertRejects(() => room.emit("move", 1, CURSOR), RoomError)).code, "offline");
  await pass(1_000);
  assertEquals([room.state.type, server.frames.map(({ type }) => type)], ["live", ["join"]]);
});

Deno.test("an error about an emit without an ack reaches the listeners of the room", async () => {
  const { connection, server } = createScene();
  const room = connection.room("lobby");
  const codes: string[] = [];
  room.on("error", ({ code }) => codes.push(code));
  await server.settle();
  await room.emit("move", 1, CURSOR);
  const id = "id-of-the-emit";
  server.sockets[0]?.reply({ type: "error", room: "rooms/lobby", id, code: "rate_limited", message: "wait" });
  await server.settle();
  assertEquals(codes, ["rate_limited"]);
});
