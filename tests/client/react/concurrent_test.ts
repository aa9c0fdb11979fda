/** Renders that React throws away, puts off or takes over from a server. */
import { assertEquals } from "@std/assert";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { RoomClient } from "../../support/room_client.ts";
import { Chat } from "./chat.ts";
import { stageTest } from "./stage.ts";

stageTest("concurrent rendering", async (t, { running, play }) => {
  await t.step(
    "a component that suspends on its first render connects once, when it is there",
    () =>
      play(async ({ show, call, page, see, seeLive, proxy, closes }) => {
        await show({ suspends: "first", state: {} });
        await page.waitForSelector("#fallback", { state: "attached" });
        assertEquals((await call("counts")).effects, 0);
        await call("resume", "first");
        await page.waitForSelector("#resumed");
        await seeLive();
        await see(({ members }) => members.length === 1);
        assertEquals([proxy.connections.length, closes], [1, []]);
      }),
  );

  await t.step(
    "a component that suspends later keeps its connection and hears what comes meanwhile",
    () =>
      play(async ({ show, call, page, see, seeLive, proxy, closes, room }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await show({ state: {} });
        await seeLive();
        await show({ suspends: "later", state: {} });
        await page.waitForSelector("#fallback", { state: "attached" });
        await bob.publish({ text: "meanwhile" });
        await call("resume", "later");
        await page.waitForSelector("#resumed");
        assertEquals((await see(({ messages }) => messages.length > 0)).messages, ["meanwhile"]);
        assertEquals([proxy.connections.length, closes], [1, []]);
      }),
  );

  await t.step(
    "a transition to another room leaves the present one alone until it is through",
    () =>
      play(async ({ show, call, scene, see, seeLive, proxy, closes, room, page }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await show();
        await seeLive();
        await call("showLater", scene({ in: "b", suspends: "b" }));
        await bob.publish({ text: "still here" });
        assertEquals((await see(({ messages }) => messages.length > 0)).messages, ["still here"]);
        // The present room is heard while the other one is rendered, again and again.
        for (const text of ["2", "3"]) await bob.publish({ text });
        await see(({ messages }) => messages.length === 3);
        assertEquals([proxy.connections.length, closes], [1, []]);
        await call("resume", "b");
        await page.waitForSelector("#resumed");
        await see(({ state, messages }) => state === "live" && messages.length === 0);
        await proxy.until("closed");
        assertEquals([proxy.connections.length, closes], [2, [1000]]);
      }),
  );

  await t.step(
    "a hundred messages at once are few renders",
    () =>
      play(async ({ show, call, see, seeLive, room }) => {
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        const texts = Array.from({ length: 100 }, (_, index) => String(index));
        for (const text of texts) await bob.publish({ text });
        await show({ history: 100 });
        await seeLive();
        const seen = await see(({ messages }) => messages.length === 100);
        assertEquals(seen.messages, texts);
        const { renders } = await call("counts");
        // The page's own renders; StrictMode doubles them.
        if (renders > 20) throw new Error(`There were ${renders} renders.`);
      }),
  );
});

const markup = () =>
  renderToString(createElement(Chat, { url: "http://127.0.0.1:1/realtime/rooms/a", token: () => null }));

stageTest("a page that a server has rendered", async (t, { running, play }) => {
  await t.step(
    "is taken over without a complaint, and connects then",
    () =>
      play(async ({ call, scene, seeLive, see, proxy, room }) => {
        assertEquals((await call("seen"))?.state, "idle");
        assertEquals(proxy.connections.length, 0);
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        await call("hydrate", scene({ state: {} }));
        await seeLive();
        await bob.publish({ text: "hello" });
        await see(({ messages }) => messages.includes("hello"));
        assertEquals(proxy.connections.length, 1);
      }, { isRendered: true }),
  );
}, { versions: ["19.3.1"], markup });
