/** Messages and presence as a component shows them. */
import { assertEquals } from "@std/assert";
import { eventually } from "../../../tools/support/eventually.ts";
import { RoomClient } from "../../support/room_client.ts";
import { stageTest } from "./stage.ts";

stageTest("messages and presence", async (t, { running, play }) => {
  await t.step(
    "messages of both sides are shown once each, in order, and events are heard once",
    () =>
      play(async ({ show, see, seeLive, call, room }) => {
        await show();
        await seeLive();
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        assertEquals(await call("publish", "one"), 1);
        await bob.publish({ text: "two" });
        await bob.publish("hi", { event: "wave", ephemeral: true });
        await bob.publish({ text: "not kept" }, { ephemeral: true });
        assertEquals(await call("publish", "three"), 3);
        const seen = await see(({ messages }) => messages.length >= 3);
        assertEquals(seen.messages, ["one", "two", "three"]);
        assertEquals(await call("texts"), ["one", "two", "three"]);
        assertEquals(await call("waves"), ["alice: hi"]);
      }),
  );

  await t.step(
    "an event's callback is that of the last render",
    () =>
      play(async ({ show, see, seeLive, call, room }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await show({ state: {} });
        await seeLive();
        await bob.publish("one", { event: "wave", ephemeral: true });
        await eventually(() => call("waves"), (waves) => waves.length === 1);
        await show({ user: "alice, later", state: { later: true } });
        await see(({ members }) => members.includes('alice {"later":true}'));
        await bob.publish("two", { event: "wave" });
        await bob.publish({ text: "after" });
        await see(({ messages }) => messages.length === 1);
        assertEquals(await call("waves"), ["alice: one", "alice, later: two"]);
      }),
  );

  await t.step(
    "history comes first, older ones on demand, and the oldest go over the limit",
    () =>
      play(async ({ show, see, seeLive, call, room }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        for (let number = 1; number <= 9; number++) await bob.publish({ text: String(number) });
        await show({ history: 4, limit: 4 });
        await seeLive();
        const begun = await see(({ messages }) => messages.length === 4);
        assertEquals([begun.messages, begun.hasOlder], [["6", "7", "8", "9"], true]);
        await call("loadOlder");
        const more = await see(({ messages }) => messages.length === 8);
        assertEquals([more.messages, more.hasOlder], [["2", "3", "4", "5", "6", "7", "8", "9"], true]);
        await call("loadOlder");
        const all = await see(({ hasOlder }) => !hasOlder);
        assertEquals(all.messages, ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        await bob.publish({ text: "10" });
        const later = await see(({ messages }) => messages.at(-1) === "10");
        assertEquals([later.messages[0], later.messages.length, later.hasOlder], ["2", 9, true]);
        await show({ history: 4, limit: 2 });
        assertEquals((await see(({ messages }) => messages.length === 7)).messages[0], "4");
      }),
  );

  await t.step(
    "a list that begins late asks for what was before, from where it is",
    () =>
      play(async ({ show, see, seeLive, call, room }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        for (const text of ["1", "2"]) await bob.publish({ text });
        await show();
        await seeLive();
        assertEquals((await see(() => true)).messages, []);
        await Promise.all([call("loadOlder"), call("loadOlder")]);
        assertEquals((await see(({ hasOlder }) => !hasOlder)).messages, ["1", "2"]);
        await bob.publish({ text: "3" });
        assertEquals((await see(({ messages }) => messages.length === 3)).messages, ["1", "2", "3"]);
      }),
  );

  await t.step(
    "another state is a change of presence, never a leaving, and null leaves",
    () =>
      play(async ({ show, see, room }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await bob.present({});
        await show({ state: { typing: false } });
        await see(({ members }) => members.length === 2);
        await show({ state: { typing: true } });
        await see(({ members }) => members.includes('alice {"typing":true}'));
        // The same again, as another object.
        await show({ state: { typing: true }, limit: 7 });
        await show({ state: null });
        await see(({ members }) => members.length === 1);
        await show({ state: { typing: false } });
        await see(({ members }) => members.length === 2);
        const frames = (await bob.takeAll()).filter((frame) => frame.type === "presence");
        const kinds = frames.map((frame) => Object.keys(frame).filter((key) => key !== "type").join());
        assertEquals(kinds, ["members", "joined", "joined", "updated", "left", "joined"]);
      }),
  );

  await t.step(
    "a state that is refused is told, and a better one taken",
    () =>
      play(async ({ show, see }) => {
        await show({ state: { text: "x".repeat(5_000) } });
        const refused = await see(({ refused }) => refused !== null);
        assertEquals([refused.refused, refused.members], ["invalid_frame", []]);
        await show({ state: { text: "x" } });
        const taken = await see(({ members }) => members.length === 1);
        assertEquals([taken.refused, taken.members], [null, ['alice {"text":"x"}']]);
      }),
  );

  await t.step(
    "after a lost connection everything missed is shown, and presence is as before",
    () =>
      play(async ({ show, see, seeLive, proxy, room }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await show({ state: { here: 1 } });
        await seeLive();
        await see(({ members }) => members.length === 1);
        proxy.refuse();
        proxy.cutAll();
        await see(({ state }) => state === "waiting");
        for (const text of ["1", "2", "3"]) await bob.publish({ text });
        proxy.allow();
        const seen = await see(({ messages }) => messages.length === 3);
        assertEquals(seen.messages, ["1", "2", "3"]);
        assertEquals((await see(({ state }) => state === "live")).members, ['alice {"here":1}']);
      }),
  );
});
