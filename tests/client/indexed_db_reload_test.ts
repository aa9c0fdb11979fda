/** Messages that survive a reload, in Chromium, against a room server behind a faulty network. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { launchChromium } from "../support/chromium.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { FaultProxy } from "../support/fault_proxy/fault_proxy.ts";
import { lostAck } from "../support/fault_proxy/faults.ts";
import { RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { callsOf, type PageCall } from "./page_controls.ts";
import type { OutboxControls } from "./pages/outbox_page.ts";
import { servePages } from "./served_pages.ts";

/** A page that publishes. */
interface OutboxPage {
  readonly page: Page;
  readonly call: PageCall<OutboxControls>;
  /** Waits until so much is kept. */
  keeps(owner: string, texts: readonly string[]): Promise<void>;
  /** Waits until every publish of this page load has ended, and returns how. */
  outcomes(count: number): Promise<string[]>;
}

/** Fixture of a step: a browser profile, a room, and bob, who receives the stored messages. */
interface Scene {
  readonly url: string;
  readonly proxy: FaultProxy;
  readonly bob: RoomClient;
  open(): Promise<OutboxPage>;
  /** Waits for this many messages and returns all that bob has received by then. */
  delivered(count: number): Promise<unknown[]>;
}

Deno.test({
  name: "messages outlive a reload",
  // Playwright and esbuild keep pipes and timers of their own.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    const outbox = fileURLToPath(new URL("pages/outbox_page.ts", import.meta.url));
    await using pages = await servePages({ entries: { outbox } });
    await using browser = await launchChromium();
    await using running = await startServer();
    let scenes = 0;

    async function step(name: string, act: (scene: Scene) => Promise<void>): Promise<void> {
      await t.step(name, async () => {
        const room = `outbox-${++scenes}`;
        await using proxy = FaultProxy.start(running.port);
        await using context = await browser.newContext();
        await context.exposeFunction("askForToken", (user: string) => running.issuer.token(user));
        await using bob = await RoomClient.join(running, room, { user: "bob" });
        const url = proxy.url(`/realtime/rooms/${room}`);
        await act({
          url,
          proxy,
          bob,
          async open() {
            const page = await context.newPage();
            await page.goto(`${pages.origin}/outbox`);
            const call = callsOf<OutboxControls>(page);
            return {
              page,
              call,
              async keeps(owner, texts) {
                const wanted = JSON.stringify(texts);
                await eventually(() => call("kept", url, owner), (kept) => JSON.stringify(kept) === wanted);
              },
              outcomes: (count) => eventually(() => call("outcomes"), (all) => all.length === count),
            };
          },
          async delivered(count) {
            const data: unknown[] = [];
            while (data.length < count) data.push((await bob.next("message")).data);
            const rest = (await bob.takeAll()).filter((frame) => frame.type === "message");
            return [...data, ...rest.map((message) => message.data)];
          },
        });
      });
    }

    await step(
      "what was published without a network is sent by the next page load, once, in order",
      async (scene) => {
        const { url, proxy, delivered } = scene;
        proxy.refuse();
        const { page, call, keeps, outcomes } = await scene.open();
        await call("open", url, "alice", { publish: ["1", "2", "3"] });
        await keeps("alice", ["1", "2", "3"]);
        await page.reload();
        // Still none: another page load that only hands on.
        await call("open", url, "alice", { publish: ["4"] });
        await keeps("alice", ["1", "2", "3", "4"]);
        await page.reload();
        proxy.allow();
        await call("open", url, "alice", { publish: ["5", "6"] });
        assertEquals(await outcomes(2), ["5 at 5", "6 at 6"]);
        assertEquals(await delivered(6), ["1", "2", "3", "4", "5", "6"]);
        await keeps("alice", []);
        await page.reload();
        await call("open", url, "alice", { publish: ["7"] });
        assertEquals(await outcomes(1), ["7 at 7"]);
        assertEquals([await delivered(1), await call("errors")], [["7"], []]);
      },
    );

    await step(
      "a burst is one transaction, so a reload in the same task keeps all of it or none",
      async (scene) => {
        const { url, proxy, delivered } = scene;
        proxy.refuse();
        const { page, call, keeps } = await scene.open();
        await call("open", url, "alice");
        await eventually(() => call("state"), (state) => state === "waiting");
        const texts = Array.from({ length: 30 }, (_, index) => `${index}`);
        assertEquals(await call("countTransactions", texts), 1);
        await keeps("alice", texts);
        const reloaded = page.waitForEvent("load");
        await call("publishAndReload", texts).catch(() => {/* the page has gone */});
        await reloaded;
        proxy.allow();
        await call("open", url, "alice");
        await keeps("alice", []);
        const count = (await delivered(30)).length;
        assert(count === 30 || count === 60, `${count} messages`);
      },
    );

    await step("a message that was stored, and whose ack was lost, is not stored again", async (scene) => {
      const { url, proxy, delivered, bob } = scene;
      const { page, call, keeps, outcomes } = await scene.open();
      proxy.next({ cut: lostAck() }, ...Array.from({ length: 1_000 }, () => ({ refuse: true })));
      await call("open", url, "alice", { publish: ["1"] });
      await proxy.until("cut");
      assertEquals((await bob.next("message")).data, "1");
      await keeps("alice", ["1"]);
      await page.reload();
      proxy.heal();
      await call("open", url, "alice", { publish: ["2"] });
      assertEquals(await outcomes(1), ["2 at 2"]);
      assertEquals(await delivered(1), ["2"]);
      await keeps("alice", []);
    });

    await step("another owner's messages are not sent, and wait for their owner", async (scene) => {
      const { url, proxy, delivered } = scene;
      proxy.refuse();
      const { page, call, keeps, outcomes } = await scene.open();
      await call("open", url, "alice", { publish: ["alice's"] });
      await keeps("alice", ["alice's"]);
      await page.reload();
      proxy.allow();
      await call("open", url, "carol", { publish: ["carol's"] });
      assertEquals(await outcomes(1), ["carol's at 1"]);
      assertEquals(await delivered(1), ["carol's"]);
      // An outbox of hers, and another user's token.
      await page.reload();
      await call("open", url, "alice", { user: "carol" });
      await eventually(() => call("state"), (state) => state === "closed: user_changed");
      await page.reload();
      await call("open", url, "alice");
      assertEquals(await delivered(1), ["alice's"]);
      await keeps("alice", []);
    });

    await step(
      "two pages of one owner send what is theirs, and what a page has left that has gone",
      async (scene) => {
        const { url, proxy, delivered } = scene;
        const one = await scene.open();
        await one.call("open", url, "alice", { isOffline: true, publish: ["1a", "1b"] });
        await one.keeps("alice", ["1a", "1b"]);
        const two = await scene.open();
        await two.call("open", url, "alice", { publish: ["2"] });
        assertEquals(await two.outcomes(1), ["2 at 1"]);
        assertEquals(await delivered(1), ["2"]);
        assertEquals(await two.call("pending"), 0);
        await one.keeps("alice", ["1a", "1b"]);
        await one.page.close();
        await two.page.reload();
        await two.call("open", url, "alice", { publish: ["3"] });
        assertEquals(await two.outcomes(1), ["3 at 4"]);
        assertEquals(await delivered(3), ["1a", "1b", "3"]);
        assertEquals(proxy.connections.length, 2);
      },
    );

    await step("what two pages have left is sent once by two pages that begin at once", async (scene) => {
      const { url, proxy, delivered } = scene;
      proxy.refuse();
      const opened = [await scene.open(), await scene.open()];
      for (const [index, { call, keeps }] of opened.entries()) {
        await call("open", url, "alice", { publish: [`${index}a`, `${index}b`] });
        await keeps("alice", [`${index}a`, `${index}b`]);
      }
      await Promise.all(opened.map(({ page }) => page.reload()));
      proxy.allow();
      await Promise.all(opened.map(({ call }) => call("open", url, "alice")));
      const all = await delivered(4);
      assertEquals(all.toSorted(), ["0a", "0b", "1a", "1b"]);
      for (const index of [0, 1]) {
        assertEquals(all.filter((text) => String(text).startsWith(String(index))), [
          `${index}a`,
          `${index}b`,
        ]);
      }
      for (const { keeps } of opened) await keeps("alice", []);
    });

    await step(
      "what a room that was closed has left is sent by the next one, without a reload",
      async (scene) => {
        const { url, proxy, delivered } = scene;
        proxy.refuse();
        const { call, keeps, outcomes } = await scene.open();
        await call("open", url, "alice", { publish: ["1"] });
        await keeps("alice", ["1"]);
        await call("close");
        assertEquals(await outcomes(1), ["1: closed"]);
        proxy.allow();
        await call("open", url, "alice", { publish: ["2"] });
        assertEquals(await outcomes(2), ["1: closed", "2 at 2"]);
        assertEquals(await delivered(2), ["1", "2"]);
      },
    );
  },
});
