/** One connection a mounted component, in StrictMode: when it is opened, kept and closed. */
import { assert, assertEquals } from "@std/assert";
import { RoomClient } from "../../support/room_client.ts";
import { stageTest } from "./stage.ts";

stageTest("one connection", async (t, { running, play }) => {
  await t.step(
    "effects run twice, one connection is opened, and everybody sees one member",
    () =>
      play(async ({ show, see, call, proxy, room, closes }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await bob.present({ mood: "curious" });
        await show({ state: { mood: "fine" } });
        const seen = await see(({ state, members }) => state === "live" && members.length === 2);
        assertEquals(seen.members, ['bob {"mood":"curious"}', 'alice {"mood":"fine"}']);
        assertEquals(seen.users, ["bob", "alice"]);
        assertEquals((await call("counts")).effects, 2);
        const changes = (await bob.takeAll()).filter((frame) => frame.type === "presence");
        const ofAlice = changes.filter(({ joined = [], updated = [], left = [] }) =>
          [...joined, ...updated, ...left].some(({ user }) => user === "alice")
        );
        assertEquals(ofAlice.length, 1);
        assertEquals([proxy.connections.length, closes], [1, []]);
      }),
  );

  await t.step(
    "an unmount closes with 1000, and presence leaves at once",
    () =>
      play(async ({ show, seeLive, call, proxy, room, closes }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await show({ state: {} });
        await seeLive();
        assertEquals((await bob.next("presence")).members, []);
        const [alice] = (await bob.next("presence")).joined ?? [];
        await call("show", null);
        const { left } = await bob.next("presence");
        assertEquals(left, [{ user: "alice", connection: alice?.connection }]);
        await proxy.until("closed");
        assertEquals([proxy.connections.length, closes], [1, [1000]]);
      }),
  );

  await t.step(
    "a component that is there for a moment only opens nothing that stays",
    () =>
      play(async ({ call, scene, proxy, closes, show, seeLive }) => {
        await call("showAtOnce", [scene(), null]);
        // The later event proves that no other one came.
        await show({ in: "b" });
        await seeLive();
        assertEquals(proxy.requests.filter((request) => request.includes("-a")), []);
        assertEquals(closes, []);
      }),
  );

  await t.step(
    "another url is another room, and the one before is closed",
    () =>
      play(async ({ show, see, seeLive, call, proxy, room, closes }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await using carol = await RoomClient.join(running, room("b"), { user: "carol" });
        await show({ state: {} });
        await seeLive();
        await bob.publish({ text: "in a" });
        await see(({ messages }) => messages.includes("in a"));
        await show({ in: "b", state: {} });
        assertEquals((await bob.next("presence")).members, []);
        await bob.next("presence");
        assertEquals((await bob.next("presence")).left?.map(({ user }) => user), ["alice"]);
        await see(({ users }) => users.includes("alice"));
        await bob.publish({ text: "still in a" });
        await carol.publish({ text: "in b" });
        const seen = await see(({ messages }) => messages.length > 0);
        assertEquals([seen.messages, seen.users], [["in b"], ["alice"]]);
        assertEquals(await call("publish", "from alice"), 2);
        await proxy.until("closed");
        assertEquals([proxy.connections.length, closes], [2, [1000]]);
      }),
  );

  await t.step(
    "without a url there is no room, and with one there is",
    () =>
      play(async ({ show, see, seeLive, call, proxy, closes }) => {
        await show({ in: null, state: {} });
        const seen = await see(() => true);
        assertEquals(seen, {
          state: "idle",
          messages: [],
          gaps: [],
          hasOlder: false,
          members: [],
          users: [],
          refused: null,
        });
        await show({ state: {} });
        await seeLive();
        await show({ in: null, state: {} });
        await see(({ state, users }) => state === "idle" && users.length === 0);
        await proxy.until("closed");
        assertEquals([proxy.connections.length, closes, (await call("counts")).tokens], [1, [1000], 1]);
      }),
  );

  await t.step(
    "a token callback that is another at every render does not reconnect, and the last one is asked",
    () =>
      play(async ({ show, see, seeLive, call, proxy }) => {
        await show({ state: { render: 0 } });
        await seeLive();
        const { renders } = await call("counts");
        for (let render = 1; render <= 5; render++) await show({ state: { render }, limit: 100 + render });
        await see(({ members }) => members[0] === 'alice {"render":5}');
        assert((await call("counts")).renders >= renders + 5);
        assertEquals([proxy.connections.length, (await call("counts")).tokens], [1, 1]);
        await show({ user: "carol", state: { render: 6 } });
        await see(({ members }) => members[0] === 'alice {"render":6}');
        assertEquals(proxy.connections.length, 1);
        proxy.cutAll();
        await see(({ members }) => members.includes('carol {"render":6}'));
        assertEquals([proxy.connections.length, (await call("counts")).tokens], [2, 2]);
      }),
  );

  await t.step(
    "an edited file (Fast Refresh) keeps the connection, messages and presence",
    () =>
      play(async ({ show, see, call, proxy, closes, room }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await show({ state: {} });
        await see(({ state, users }) => state === "live" && users.length === 1);
        await bob.publish({ text: "before" });
        await see(({ messages }) => messages.length === 1);
        await call("refresh");
        await bob.publish({ text: "after" });
        assertEquals((await see(({ messages }) => messages.length === 2)).messages, ["before", "after"]);
        const frames = await bob.takeAll();
        assertEquals(frames.flatMap((frame) => frame.type === "presence" ? frame.left ?? [] : []), []);
        assertEquals([proxy.connections.length, closes], [1, []]);
      }, { isRefreshed: true }),
  );

  await t.step(
    "another key is another component, and has another connection",
    () =>
      play(async ({ show, see, seeLive, proxy, closes, scene, call }) => {
        await show({ key: "one", state: {} });
        await seeLive();
        await call("showAtOnce", [scene({ key: "two", state: {} })]);
        await proxy.until("closed");
        await see(({ state, members }) => state === "live" && members.length === 1);
        assertEquals([proxy.connections.length, closes], [2, [1000]]);
      }),
  );
});
