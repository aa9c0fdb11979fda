/**
 * The IndexedDB outbox in Chromium. See also indexed_db_failures_test.ts and
 * indexed_db_reload_test.ts.
 */
import { assertEquals, assertMatch } from "@std/assert";
import type { BrowserContext } from "playwright-core";
import { launchChromium } from "../support/chromium.ts";
import { STORAGE_CONTRACT } from "./outbox_storage_contract.ts";
import { callsOf } from "./page_controls.ts";
import type { StorageControls } from "./pages/storage_page.ts";
import { servePages } from "./served_pages.ts";

const ROOM = "ws://127.0.0.1/realtime/rooms/a";
const entries = { storage: new URL("pages/storage_page.ts", import.meta.url).pathname };

Deno.test({
  name: "the IndexedDB outbox",
  // Playwright and esbuild keep pipes and timers of their own.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using pages = await servePages({ entries });
    await using browser = await launchChromium();

    async function open(context: BrowserContext) {
      const page = await context.newPage();
      await page.goto(`${pages.origin}/storage`);
      return { page, call: callsOf<StorageControls>(page) };
    }

    await t.step("the contract", async (t) => {
      await using context = await browser.newContext();
      const { call } = await open(context);
      for (const { name } of STORAGE_CONTRACT) await t.step(name, () => call("check", name));
    });

    await t.step("what a page has put is there after a reload, and nothing is opened before", async () => {
      await using context = await browser.newContext();
      const { page, call } = await open(context);
      assertEquals(await call("databases"), []);
      await call("put", "alice", ROOM, ["a", "b", "c"]);
      await call("remove", "alice", ROOM, "b");
      // Ten times: the page before may still be going when the next one asks.
      for (let reloads = 0; reloads < 10; reloads++) {
        await page.reload();
        assertEquals(await call("load", "alice", ROOM), ["a", "c"]);
      }
      assertEquals(await call("load", "bob", ROOM), []);
    });

    await t.step(
      "of several pages each has its own messages, and those of pages that have gone",
      async () => {
        await using context = await browser.newContext();
        const one = await open(context);
        const two = await open(context);
        await one.call("put", "alice", ROOM, ["one-1", "one-2"]);
        await two.call("put", "alice", ROOM, ["two-1"]);
        await one.call("put", "alice", ROOM, ["one-3"]);
        assertEquals(await one.call("load", "alice", ROOM), ["one-1", "one-2", "one-3"]);
        assertEquals(await two.call("load", "alice", ROOM), ["two-1"]);
        const three = await open(context);
        assertEquals(await three.call("load", "alice", ROOM), []);
        await one.page.close();
        const loaded = await Promise.all([
          two.call("load", "alice", ROOM),
          three.call("load", "alice", ROOM),
        ]);
        // The first page has all messages, with their places; the others have none.
        assertEquals(loaded.flat().sort(), ["one-1", "one-2", "one-3", "two-1"]);
        const [first, second] = loaded.map((ids) => ids.filter((id) => id.startsWith("one")));
        assertEquals([first, second].filter((ids) => ids?.length === 3).length, 1);
      },
    );

    await t.step("of a page that went at once nothing is lost", async () => {
      await using context = await browser.newContext();
      const one = await open(context);
      await one.call("put", "alice", ROOM, ["a"]);
      await one.page.goto("about:blank");
      await one.page.goto(`${pages.origin}/storage`);
      assertEquals(await one.call("load", "alice", ROOM), ["a"]);
    });

    await t.step("clear forgets one owner's messages in all rooms", async () => {
      await using context = await browser.newContext();
      const { call } = await open(context);
      await call("put", "alice", ROOM, ["a"]);
      await call("put", "alice", `${ROOM}2`, ["b"]);
      await call("put", "bob", ROOM, ["c"]);
      await call("clear", "alice");
      assertEquals(await call("load", "alice", ROOM), []);
      assertEquals(await call("load", "alice", `${ROOM}2`), []);
      assertEquals(await call("load", "bob", ROOM), ["c"]);
    });

    await t.step("a newer version is let in, and is told apart from other failures", async () => {
      await using context = await browser.newContext();
      const one = await open(context);
      const two = await open(context);
      await one.call("put", "alice", ROOM, ["a"]);
      assertEquals(await two.call("upgrade", 2), "upgraded");
      const failure = await one.call("putFailure", "alice");
      assertMatch(
        failure ?? "",
        /realtime-outbox cannot be opened: a newer version .* reload .*VersionError/,
      );
    });

    await t.step("a database that was deleted is created again", async () => {
      await using context = await browser.newContext();
      const one = await open(context);
      const two = await open(context);
      await one.call("put", "alice", ROOM, ["a"]);
      assertEquals(await two.call("deleteDatabase"), "deleted");
      await one.call("put", "alice", ROOM, ["b"]);
      assertEquals(await one.call("load", "alice", ROOM), ["b"]);
    });

    await t.step("storage that the user clears meanwhile costs what was kept, and nothing else", async () => {
      await using context = await browser.newContext();
      const { page, call } = await open(context);
      await call("put", "alice", ROOM, ["a"]);
      const session = await context.newCDPSession(page);
      await session.send("Storage.clearDataForOrigin", { origin: pages.origin, storageTypes: "indexeddb" });
      await call("put", "alice", ROOM, ["b"]);
      assertEquals(await call("load", "alice", ROOM), ["b"]);
    });

    await t.step("a full disk is told with the browser's reason", async () => {
      await using context = await browser.newContext();
      const { page, call } = await open(context);
      const session = await context.newCDPSession(page);
      await session.send("Storage.overrideQuotaForOrigin", { origin: pages.origin, quotaSize: 1_000_000 });
      await call("put", "alice", ROOM, ["a"]);
      assertMatch(
        await call("putFailure", "alice", 3_000_000) ?? "",
        /realtime-outbox rejected .*QuotaExceededError/,
      );
      await session.send("Storage.overrideQuotaForOrigin", { origin: pages.origin });
      assertEquals(await call("putFailure", "alice"), null);
      assertEquals(await call("load", "alice", ROOM), ["a"]);
    });

    await t.step("a database that cannot be opened in time is told so, and tried again", async () => {
      await using context = await browser.newContext();
      const one = await open(context);
      const two = await open(context);
      // Any call now waits for a deletion, which waits for this connection.
      await one.call("holdDatabase");
      await two.page.clock.install();
      await two.call("beginDeletion");
      const failing = two.call("loadFailure", "alice");
      await two.page.clock.runFor(5_000);
      assertMatch(await failing ?? "", /cannot be opened: the browser does not answer/);
      await one.page.close();
      assertEquals(await two.call("loadFailure", "alice"), null);
    });
  },
});
