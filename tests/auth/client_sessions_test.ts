/** The client in a room whose user's session ends while it is connected. */
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { createRoom, type RoomState } from "../../packages/client/mod.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { startWithSessions } from "../support/session_fixture.ts";

/** Waits until the room's state is of this type. */
function reached(room: { readonly state: RoomState }, type: RoomState["type"]): Promise<RoomState> {
  return eventually(() => Promise.resolve(room.state), (state) => state.type === type);
}

Deno.test("a client with a fresh session goes on after the old one has ended, and one without is signed out", async () => {
  await using sessions = await startWithSessions();
  const { auth, running } = sessions;
  let current: string | undefined = await auth.signIn("alice");
  let asked = 0;
  const room = createRoom(`${running.origin}/realtime/rooms/lobby`, {
    token: () => {
      asked++;
      return Promise.resolve(current);
    },
  });
  room.open();
  await reached(room, "live");
  const received: unknown[] = [];
  room.on("message", ({ data }) => received.push(data));

  auth.signOut("alice");
  current = await auth.signIn("alice");
  await eventually(() => Promise.resolve(asked), (count) => count > 1);
  await reached(room, "live");
  await room.publish("chat", "after the new session");
  assertEquals(received, ["after the new session"]);

  current = undefined;
  auth.signOut("alice");
  const state = await reached(room, "closed");
  assertEquals(state.type === "closed" && state.reason.code, "signed_out");
  assertLessOrEqual(asked, 6);
  await room.close();
});
