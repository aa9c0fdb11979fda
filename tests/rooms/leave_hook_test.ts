/** `onLeave`: once for each member that `onJoin` let in, however its connection ends. */
import { assertEquals } from "@std/assert";
import type { RoomContext } from "../../packages/server/src/rooms/server_code/room_code.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { startRoomEndpoint } from "../support/room_endpoint.ts";
import { RoomClient } from "../support/room_client.ts";

const mount = "/x";

/** Connections of joins and leaves, in order. */
class Visits {
  readonly joined: string[] = [];
  readonly left: string[] = [];

  readonly onJoin = ({ connection }: RoomContext): void => void this.joined.push(connection);
  readonly onLeave = ({ connection }: RoomContext): void => void this.left.push(connection);

  /** Waits until a number of members have left. */
  async over(count: number): Promise<void> {
    await eventually(() => Promise.resolve(this.left.length), (left) => left >= count);
    assertEquals(this.left.toSorted(), this.joined.toSorted());
  }
}

Deno.test("onLeave runs once: after a close, a lost connection, a kick and the end of a stream", async () => {
  const visits = new Visits();
  await using running = await startRoomEndpoint({
    name: "x",
    onJoin: visits.onJoin,
    onLeave: visits.onLeave,
  });
  for (const code of [1000, 4000, undefined]) {
    await using member = await RoomClient.join(running, "r", { mount });
    member.close(code);
    await member.closed();
  }
  await visits.over(3);
  await using kicked = await RoomClient.join(running, "r", { mount, user: "bob" });
  await running.engine.deps.serverRooms.room("x/r").kick({ user: "bob" });
  assertEquals((await kicked.closed()).code, 4403);
  await visits.over(4);
  const token = await running.issuer.token("carol");
  const stream = await fetch(`${running.origin}/realtime/x/r/events?token=${token}`);
  const reader = stream.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await visits.over(5);
});

Deno.test("onLeave runs once for a member that left while onJoin was under way", async () => {
  const visits = new Visits();
  const gate = Promise.withResolvers<void>();
  const called = Promise.withResolvers<void>();
  await using running = await startRoomEndpoint({
    name: "x",
    async onJoin(ctx) {
      called.resolve();
      await gate.promise;
      visits.onJoin(ctx);
    },
    onLeave: visits.onLeave,
  });
  await using member = await RoomClient.connect(running, "r", { mount });
  await called.promise;
  member.close(1000);
  await member.closed();
  assertEquals(visits.left, []);
  gate.resolve();
  await visits.over(1);
});

Deno.test("the engine's close waits for onLeave, which can still publish and read", async () => {
  const seen: unknown[] = [];
  const visits = new Visits();
  const running = await startRoomEndpoint({
    name: "x",
    async onLeave(ctx) {
      const offset = await ctx.room.publish("left", ctx.user.id);
      const { messages } = await ctx.room.history({ after: offset - 1 });
      seen.push(messages[0]?.data);
      visits.onLeave(ctx);
    },
  });
  const members = await Promise.all(
    ["a", "b", "c"].map((user) => RoomClient.join(running, "r", { mount, user })),
  );
  await running[Symbol.asyncDispose]();
  assertEquals(seen.toSorted(), ["a", "b", "c"]);
  assertEquals(visits.left.toSorted(), members.map(({ connection }) => connection).toSorted());
  for (const member of members) await member[Symbol.asyncDispose]();
});

Deno.test("an onLeave that throws is logged, and one that hangs does not hold the end up for long", async () => {
  const running = await startRoomEndpoint({
    name: "x",
    onLeave({ user }) {
      if (user.id === "bob") throw new Error("the hook failed");
      return new Promise<never>(() => {});
    },
  }, { env: { HOOK_TIMEOUT_MS: "50" } });
  const members = await Promise.all(
    ["alice", "bob"].map((user) => RoomClient.join(running, "r", { mount, user })),
  );
  await running[Symbol.asyncDispose]();
  const lines = running.logs.filter(({ event }) => event === "hook.failed");
  assertEquals(lines.map(({ hook, user, error }) => [hook, user, error]).toSorted(), [
    ["onLeave", "alice", "TookTooLong: It took longer than 50 ms."],
    ["onLeave", "bob", "Error: the hook failed"],
  ]);
  for (const member of members) await member[Symbol.asyncDispose]();
});
