/** A page that goes into the back/forward cache of Chromium, with its socket (browsers.md, 2). */
import { fileURLToPath } from "node:url";
import { assertEquals, assertLess } from "@std/assert";
import { launchChromium } from "../../support/chromium.ts";
import { RoomClient } from "../../support/room_client.ts";
import { startServer } from "../../support/running_server.ts";
import { callsOf } from "../page_controls.ts";
import { servePages } from "../served_pages.ts";
import type { PAGE_CONTROLS } from "./page_program.ts";

/** Longest time until the others see it. */
const LEAVES_MS = 2_000;

Deno.test({
  name: "in Chromium, a page in the back/forward cache has left within two seconds, and returns",
  // Playwright and esbuild keep pipes and timers of their own.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const page = fileURLToPath(new URL("page_program.ts", import.meta.url));
    await using pages = await servePages({ entries: { page, other: page } });
    await using browser = await launchChromium({ keepsPages: true });
    await using running = await startServer();
    const context = await browser.newContext();
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    const alice = await context.newPage();
    await alice.goto(`${pages.origin}/page`);
    const call = callsOf<typeof PAGE_CONTROLS>(alice);
    const token = await running.issuer.token("alice");
    await call("join", { url: `${running.origin}/realtime/rooms/r`, token, retryMs: 60_000, probeMs: 500 });
    await call("enter");
    await bob.next("presence");
    assertEquals((await bob.next("presence")).joined?.length, 1);
    await alice.evaluate(() => Object.assign(globalThis, { isSamePage: true }));

    const leavesAt = performance.now();
    await alice.goto(`${pages.origin}/other`);
    assertEquals((await bob.next("presence")).left?.length, 1);
    assertLess(performance.now() - leavesAt, LEAVES_MS);
    assertEquals((await running.logged("socket.close")).map(({ code }) => code), [1000]);

    await bob.publish(1);
    // A page that was kept has no `load`.
    await alice.goBack({ waitUntil: "commit" });
    assertEquals(await alice.evaluate(() => "isSamePage" in globalThis), true, "the page was not kept");
    assertEquals((await bob.next("presence")).joined?.length, 1);
    const { states, offsets } = await call("untilMessages", 1);
    assertEquals(states, ["idle", "connecting", "live", "waiting", "connecting", "live"]);
    assertEquals(offsets, [1]);
  },
});
