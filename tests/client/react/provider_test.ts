/** Rooms of a `RealtimeProvider`, in StrictMode: one socket, and one room for each name. */
import { assertEquals } from "@std/assert";
import { eventually } from "../../../tools/support/eventually.ts";
import { RoomClient } from "../../support/room_client.ts";
import { type Play, stageTest } from "./stage.ts";

/** Waits until the other components see what is right. */
async function seeMore({ call }: Play, isRight: (more: string[][]) => boolean): Promise<string[][]> {
  return await eventually(async () => await call("more"), isRight);
}

const isLive = (more: string[][]) => more.every(([state]) => state === "live");

stageTest("rooms of a provider", async (t, { running, play }) => {
  await t.step(
    "effects run twice; all rooms have one socket, one token, and one member each",
    () =>
      play(async (here) => {
        const { call, see, proxy, room, closes, shared } = here;
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await using carol = await RoomClient.join(running, room("b"), { user: "carol" });
        await call("show", shared({ state: { mood: "fine" }, more: ["a", "b", "c"] }));
        await see(({ state, users }) => state === "live" && users.includes("alice"));
        await seeMore(here, isLive);
        await bob.publish({ text: "in a" });
        await carol.publish({ text: "in b" });
        await see(({ messages }) => messages.length === 1);
        const more = await seeMore(here, ([a = [], b = []]) => a.length === 2 && b.length === 2);
        assertEquals(more, [["live", "in a"], ["live", "in b"], ["live"]]);
        const joined = (await bob.takeAll()).flatMap((frame) =>
          frame.type === "presence" ? frame.joined ?? [] : []
        );
        assertEquals(joined.map(({ user }) => user), ["alice"]);
        assertEquals([proxy.connections.length, closes, (await call("counts")).tokens], [1, [], 1]);
      }),
  );

  await t.step(
    "a room is left with its last component; the others stay, and the provider closes with 1000",
    () =>
      play(async (here) => {
        const { call, see, proxy, room, closes, shared } = here;
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await call("show", shared({ state: {}, more: ["a", "b"] }));
        await see(({ state, users }) => state === "live" && users.includes("alice"));
        await seeMore(here, isLive);
        // The chat goes, another component still has its room.
        await call("show", shared({ in: null, more: ["a", "b"] }));
        await bob.publish({ text: "still here" });
        await seeMore(here, ([a = []]) => a.includes("still here"));
        await call("show", shared({ in: "b", more: ["c"] }));
        await see(({ state }) => state === "live");
        await seeMore(here, isLive);
        await call("show", shared({ state: {} }));
        // A fresh room replays nothing that the chat has not asked for.
        const seen = await see(({ state, users }) => state === "live" && users.includes("alice"));
        assertEquals([seen.messages, proxy.connections.length, closes], [[], 1, []]);
        await call("show", null);
        await proxy.until("closed");
        assertEquals([proxy.connections.length, closes], [1, [1000]]);
      }),
  );

  await t.step(
    "a cut is one reconnect for all, and nothing is missed",
    () =>
      play(async (here) => {
        const { call, see, seeLive, proxy, room, shared } = here;
        await using bob = await RoomClient.join(running, room("b"), { user: "bob" });
        await call("show", shared({ more: ["b", "c"] }));
        await seeLive();
        await seeMore(here, isLive);
        proxy.cutAll();
        await bob.publish({ text: "meanwhile" });
        await seeMore(here, ([b = []]) => b.includes("meanwhile"));
        await see(({ state }) => state === "live");
        assertEquals(proxy.connections.length, 2);
      }),
  );
});

stageTest("a hidden component, and another with its room", async (t, { running, play }) => {
  await t.step(
    "shown again it resumes, or has the room that the other one opened",
    () =>
      play(async (here) => {
        const { call, see, seeLive, proxy, room, shared } = here;
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await call("show", shared());
        await seeLive();
        await call("show", shared({ hidden: "all" }));
        await call("show", shared({ hidden: "all", more: ["a"] }));
        await seeMore(here, isLive);
        await call("show", shared({ more: ["a"] }));
        await seeLive();
        await bob.publish({ text: "to both" });
        await see(({ messages }) => messages.includes("to both"));
        await seeMore(here, ([a = []]) => a.includes("to both"));
        assertEquals(proxy.connections.length, 1);
      }),
  );
}, { versions: ["19.3.1"] });
