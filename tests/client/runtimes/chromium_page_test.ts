/**
 * Events of pages only: offline, hidden and shown, frozen and thawed. In a real Chromium, without
 * simulated events.
 */
import { fileURLToPath } from "node:url";
import { assertEquals, assertNotEquals } from "@std/assert";
import type { Browser } from "playwright-core";
import { launchChromium } from "../../support/chromium.ts";
import { callsOf } from "../page_controls.ts";
import { servePages } from "../served_pages.ts";
import { openBareWindow } from "./bare_page.ts";
import { type OpenStage, openStage } from "./open_stage.ts";
import type { PAGE_CONTROLS } from "./page_program.ts";
import type { PageJoin } from "./page_room.ts";

/** So long that the page is live again in time only if something woke the client up. */
const FOR_EVER_MS = 3_600_000;
const SOON_MS = 20;

/** Fixture of a page test. */
interface PageTest {
  readonly browser: Browser;
  readonly stage: OpenStage;
  /** The page's address. */
  readonly url: string;
  /** Options of a join that does not need the stage, which the page may not reach. */
  how(waits: { readonly retryMs: number; readonly probeMs?: number }): Promise<PageJoin>;
}

function pageTest(name: string, check: (given: PageTest) => Promise<void>): void {
  // Chromium and esbuild are processes of their own.
  Deno.test(`in Chromium, ${name}`, { sanitizeOps: false, sanitizeResources: false }, async () => {
    await using stage = await openStage();
    const entries = { page: fileURLToPath(new URL("page_program.ts", import.meta.url)) };
    await using pages = await servePages({ entries });
    const browser = await launchChromium();
    try {
      await check({
        browser,
        stage,
        url: `${pages.origin}/page`,
        how: async (waits) => ({
          url: stage.actions.where().proxied,
          token: await stage.actions.token({ user: "alice", kind: "good" }),
          probeMs: 500,
          ...waits,
        }),
      });
    } finally {
      await browser.close();
    }
  });
}

pageTest(
  "without a network messages wait, and when it is back all arrive at once",
  async ({ browser, stage, url, how }) => {
    console.log(`Chromium ${browser.version()}`);
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(url);
    const call = callsOf<typeof PAGE_CONTROLS>(page);
    const before = await call("join", await how({ retryMs: FOR_EVER_MS }));
    // An open WebSocket is not cut by that, it stalls: the client has to find out by asking.
    await context.setOffline(true);
    await call("untilTold", "offline");
    const away = await call("untilWaiting", "silent");
    await call("publish", 1);
    await call("publish", 2);
    await stage.actions.publish({ count: 3 });
    assertEquals(away.offsets, []);
    await context.setOffline(false);
    await call("untilTold", "online");
    const back = await call("untilMessages", 5);
    assertEquals(await call("acks"), [4, 5]);
    assertEquals(back.offsets, [1, 2, 3, 4, 5]);
    assertNotEquals(back.connection, before.connection);
    assertEquals(stage.proxy.connections.length, 2);
  },
);

pageTest(
  "a page that was hidden and is shown again keeps a connection that still holds",
  async ({ browser, stage, url, how }) => {
    const window = await openBareWindow(browser);
    const { call, show } = await window.open(url);
    const before = await call("join", await how({ retryMs: SOON_MS }));
    await window.open();
    await call("untilTold", "hidden");
    await stage.actions.publish({ count: 3 });
    await call("untilMessages", 3);
    await show();
    await call("untilTold", "visible");
    const after = await call("askServer");
    assertEquals(after.connection, before.connection);
    assertEquals(after.states.at(-1), "live");
    assertEquals(after.offsets, [1, 2, 3]);
  },
);

pageTest(
  "a page that is shown again notices at once that its connection is dead, and misses nothing",
  async ({ browser, stage, url, how }) => {
    const window = await openBareWindow(browser);
    const { call, show } = await window.open(url);
    const before = await call("join", await how({ retryMs: SOON_MS }));
    const connection = await stage.proxy.connection(1);
    await window.open();
    await call("untilTold", "hidden");
    // Being hidden is an occasion to probe too: that has to be over.
    await call("askServer");
    // No event reports this: without a check on waking up, detection takes 1.5 heartbeats of 25
    // seconds.
    connection.hold();
    // The other member's first: on a busy machine the page may notice before it is shown.
    await stage.actions.publish({ count: 3 });
    await call("publish", 1);
    assertEquals((await call("sight")).states.at(-1), "live");
    await show();
    await call("untilTold", "visible");
    const after = await call("untilMessages", 4);
    assertEquals(after.waits, ["silent"]);
    assertEquals(after.offsets, [1, 2, 3, 4]);
    assertEquals(await call("acks"), [4]);
    assertNotEquals(after.connection, before.connection);
  },
);

pageTest(
  "a page that was frozen while its connection was lost resumes, and misses nothing",
  async ({ browser, stage, url, how }) => {
    const window = await openBareWindow(browser);
    const page = await window.open(url);
    const { call } = page;
    const before = await call("join", await how({ retryMs: SOON_MS, probeMs: FOR_EVER_MS }));
    const connection = await stage.proxy.connection(1);
    // The network accepts these messages and loses them with the connection.
    connection.hold("toServer");
    await call("publish", 1);
    await window.open();
    await call("untilTold", "hidden");
    // Only a hidden page can be frozen.
    await page.setFrozen(true);
    await call("untilTold", "freeze");
    connection.cut();
    await stage.actions.publish({ count: 3 });
    await page.setFrozen(false);
    await call("untilTold", "resume");
    const after = await call("untilMessages", 4);
    assertEquals(after.offsets, [1, 2, 3, 4]);
    assertEquals(await call("acks"), [4]);
    assertNotEquals(after.connection, before.connection);
  },
);

pageTest(
  "a close code of the server is told, unless the server is on Deno 2.1.4",
  async ({ browser, stage }) => {
    const page = await browser.newPage();
    await page.goto(stage.actions.where().direct);
    const ending = page.evaluate(
      async ([address, good, banned]) => {
        const socket = new WebSocket(address.replace("http", "ws"), ["realtime.v1", `jwt-${good}`]);
        socket.onopen = () => socket.send(JSON.stringify({ type: "auth", id: "1", token: banned }));
        const { code, wasClean } = await new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
        return { code, wasClean };
      },
      [
        stage.actions.where().direct,
        await stage.actions.token({ user: "alice", kind: "good" }),
        await stage.actions.token({ user: "alice", kind: "banned" }),
      ] as const,
    );
    // Deno 2.1.4 answers the answer to its close frame, which Chromium treats as a broken
    // connection.
    const isTwice = Deno.version.deno.startsWith("2.1.");
    assertEquals(await ending, isTwice ? { code: 1006, wasClean: false } : { code: 4403, wasClean: true });
  },
);
