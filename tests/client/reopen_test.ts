/** A room that is opened, closed and opened again, with nothing to connect to. */
import { assertEquals, assertRejects } from "@std/assert";
import { createRoom, type Room, RoomError } from "../../packages/client/mod.ts";
import { ManualClock, rest } from "./manual_clock.ts";

type Events = { readonly chat: string };

/** A room whose token never comes. */
function createWaitingRoom(clock: ManualClock): Room<Events> {
  return createRoom<Events>("https://host/realtime/rooms/lobby", {
    token: () => new Promise(() => {}),
    clock,
  });
}

Deno.test("opened twice it begins once; closed it leaves no timer; opened again it begins again", async () => {
  const clock = new ManualClock();
  const room = createWaitingRoom(clock);
  const states: string[] = [];
  room.on("state", ({ type }) => states.push(type));
  room.open();
  room.open();
  await rest();
  const closing = room.close();
  room.open();
  await rest();
  await Promise.all([closing, room.close(), clock.pass(3_000)]);
  assertEquals(states, ["connecting", "closed", "connecting", "closed"]);
  assertEquals(clock.waiting, 0);
});

Deno.test("closed again before it could open again, it takes nothing", async () => {
  const clock = new ManualClock();
  const room = createWaitingRoom(clock);
  await Promise.all([room.close(), clock.pass(3_000)]);
  room.open();
  const waiting = room.publish("chat", "while it opens");
  await Promise.all([
    room.close(),
    clock.pass(3_000),
    assertRejects(() => waiting, RoomError, "The room was closed."),
    assertRejects(() => room.publish("chat", "afterwards"), RoomError),
    assertRejects(() => room.presence.enter({}), RoomError),
  ]);
  assertEquals(room.state.type, "closed");
  assertEquals(room.pending, 0);
});
