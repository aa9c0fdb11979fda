import { assertEquals } from "@std/assert";
import { launchChromium } from "../../support/chromium.ts";
import { startDevServer } from "../../support/dev_server.ts";
import { WITH_BROWSER } from "./playground_fixture.ts";
import { BrowserUser } from "./browser_user.ts";

Deno.test(
  "the playground reconnects after a restart of the dev server, and shows that the history was lost",
  WITH_BROWSER,
  async () => {
    await using browser = await launchChromium();
    let first = await startDevServer();
    const { origin } = first;
    try {
      await using alice = await BrowserUser.open(browser, origin, { user: "alice" });
      await alice.send("before");
      await alice.waitForTexts(["before"]);
      await first[Symbol.asyncDispose]();
      await alice.waitForState("Waiting.");
      await alice.send("meanwhile");
      first = await startDevServer({ PORT: new URL(origin).port });
      // The button is gone if the page has reconnected by itself.
      await alice.page.getByRole("button", { name: "Try now" }).click({ timeout: 1_000 }).catch(() => {});
      await alice.waitForTexts(["before", "meanwhile"]);
      const entries = await alice.page.getByRole("log").getByRole("listitem").allInnerTexts();
      assertEquals(entries.length, 3);
      assertEquals(
        entries[1],
        "The room's history was lost and starts again. Messages from 2 on may be missing.",
      );
    } finally {
      await first[Symbol.asyncDispose]();
    }
  },
);
