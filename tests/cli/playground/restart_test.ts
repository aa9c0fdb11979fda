import { assertEquals } from "@std/assert";
import { launchChromium } from "../../support/chromium.ts";
import { startDevServer } from "../../support/dev_server.ts";
import { WITH_BROWSER } from "./stage.ts";
import { Visitor } from "./visitor.ts";

Deno.test(
  "the playground goes on when the dev server restarts, and says that the history is another one",
  WITH_BROWSER,
  async () => {
    await using browser = await launchChromium();
    let first = await startDevServer();
    const { origin } = first;
    try {
      await using alice = await Visitor.open(browser, origin, { user: "alice" });
      await alice.say("before");
      await alice.untilTexts(["before"]);
      await first[Symbol.asyncDispose]();
      await alice.untilState("Waiting.");
      await alice.say("meanwhile");
      first = await startDevServer({ PORT: new URL(origin).port });
      // Unless it has tried by itself meanwhile: then the button is gone.
      await alice.page.getByRole("button", { name: "Try now" }).click({ timeout: 1_000 }).catch(() => {});
      await alice.untilTexts(["before", "meanwhile"]);
      const entries = await alice.page.getByRole("log").getByRole("listitem").allInnerTexts();
      assertEquals(entries.length, 3);
      assertEquals(entries[1], "The room's history begins anew: what was said from message 2 on is unknown.");
    } finally {
      await first[Symbol.asyncDispose]();
    }
  },
);
