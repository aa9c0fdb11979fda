/**
 * Hidden and shown components (`<Activity>`, React 19.2): their effects end and begin, their state
 * stays.
 */
import { assertEquals } from "@std/assert";
import { eventually } from "../../../tools/support/eventually.ts";
import { RoomClient } from "../../support/room_client.ts";
import { stageTest } from "./stage.ts";

stageTest("Activity", async (t, { running, play }) => {
  await t.step(
    "hidden and shown at once, the connection is kept and presence does not leave",
    () =>
      play(async ({ show, see, seeLive, scene, call, proxy, room, closes }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await show({ state: {} });
        await see(({ users }) => users.includes("alice"));
        await call("showAtOnce", [scene({ hidden: "all", state: {} }), scene({ state: {} })]);
        await bob.publish({ text: "after" });
        await see(({ messages }) => messages.includes("after"));
        await seeLive();
        const frames = await bob.takeAll();
        assertEquals(frames.flatMap((frame) => frame.type === "presence" ? frame.left ?? [] : []), []);
        // StrictMode runs effects twice here too.
        assertEquals([proxy.connections.length, closes, (await call("counts")).effects], [1, [], 4]);
      }),
  );

  await t.step(
    "hidden for a while, the room is closed; shown again, everything missed is there once",
    () =>
      play(async ({ show, see, seeLive, call, proxy, room, closes }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await show({ state: {} });
        await seeLive();
        await call("publish", "1");
        await show({ state: {}, hidden: "all" });
        await proxy.until("closed");
        assertEquals(closes, [1000]);
        for (const text of ["2", "3", "4"]) await bob.publish({ text });
        await show({ state: {} });
        const seen = await see(({ messages, users }) => messages.length === 4 && users.length === 1);
        assertEquals([seen.messages, seen.gaps], [["1", "2", "3", "4"], []]);
        assertEquals(proxy.connections.length, 2);
      }),
  );

  await t.step(
    "a list that was hidden while the room went on catches up, in order, with what comes meanwhile",
    () =>
      play(async ({ show, see, seeLive, scene, call, room, proxy }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await show();
        await seeLive();
        await bob.publish({ text: "1" });
        await see(({ messages }) => messages.length === 1);
        await call("showAtOnce", [scene({ hidden: "list" })]);
        for (const text of ["2", "3"]) await bob.publish({ text });
        await bob.publish("no chat", { event: "wave" });
        await see(({ messages }) => messages.length === 3);
        assertEquals(await call("texts"), ["1"]);
        proxy.hold("toServer");
        await show();
        await bob.publish({ text: "4" });
        await see(({ messages }) => messages.length === 4);
        proxy.release("toServer");
        // The answer to the list's question comes before that to this.
        await call("publish", "5");
        await see(({ messages }) => messages.length === 5);
        const texts = await eventually(() => call("texts"), (texts) => texts?.length === 5);
        assertEquals(texts, ["1", "2", "3", "4", "5"]);
      }),
  );

  await t.step(
    "a list that was hidden before the room was catches up when both are shown",
    () =>
      play(async ({ show, see, seeLive, scene, call, room, proxy }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await show();
        await seeLive();
        await bob.publish({ text: "1" });
        await see(({ messages }) => messages.length === 1);
        await call("showAtOnce", [scene({ hidden: "list" })]);
        await bob.publish({ text: "2" });
        await see(({ messages }) => messages.length === 2);
        await call("showAtOnce", [scene({ hidden: "all" })]);
        await proxy.until("closed");
        await bob.publish({ text: "3" });
        await show();
        assertEquals((await see(({ messages }) => messages.length === 3)).messages, ["1", "2", "3"]);
        const texts = await eventually(() => call("texts"), (texts) => texts?.length === 3);
        assertEquals(texts, ["1", "2", "3"]);
      }),
  );
}, { versions: ["19.3.1"] });
