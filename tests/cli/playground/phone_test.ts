import { assert, assertEquals } from "@std/assert";
import { PlaygroundFixture, WITH_BROWSER } from "./playground_fixture.ts";
import { smallTargets } from "./small_targets.ts";

/** Screens of phones in CSS pixels: a large one, a small one, and the small one with a keyboard. */
const SCREENS = [
  { width: 390, height: 844 },
  { width: 360, height: 640 },
] as const;

Deno.test(
  "on a phone the whole chat is on the first screen, above all other panels",
  WITH_BROWSER,
  async (t) => {
    await using fixture = await PlaygroundFixture.open();
    const room = "phone";
    await fixture.publish("bob", room, Array.from({ length: 40 }, (_, index) => `message ${index + 1}`));
    for (const viewport of SCREENS) {
      await t.step(`${viewport.width}x${viewport.height}`, async () => {
        await using alice = await fixture.openPage({ user: "alice", room, viewport });
        await alice.waitForText("message 40");
        const { page } = alice;
        const panel = async (name: string) => {
          const box = await page.getByRole("region", { name, exact: true }).boundingBox();
          assert(box !== null, `${name} is not shown`);
          return { top: box.y, bottom: box.y + box.height, right: box.x + box.width };
        };
        const chat = await panel("Chat");
        assert(chat.bottom <= viewport.height, `the chat ends at ${chat.bottom}`);
        for (const name of ["Connection", "Members", "Frames"]) {
          const { top, right } = await panel(name);
          assert(top >= chat.bottom, `${name} begins at ${top}, above the end of the chat at ${chat.bottom}`);
          assert(right <= viewport.width, `${name} is wider than the screen`);
        }
        // The newest message and the field to answer it can be seen without scrolling.
        for (
          const seen of [
            page.getByText("message 40", { exact: true }),
            page.getByRole("textbox", { name: "Message" }),
          ]
        ) {
          const box = await seen.boundingBox();
          assert(box !== null && box.y >= 0 && box.y + box.height <= viewport.height);
        }
        // Keyboards and screen readers meet the panels in the order of the screen.
        const order = await page.getByRole("region").evaluateAll((all) =>
          all.map((one) => one.getAttribute("aria-labelledby"))
        );
        assertEquals(order[0], "chat-title");
        const path = Deno.env.get("PHONE_SCREENSHOT");
        if (path) await page.screenshot({ path: `${path}-${viewport.width}.png` });
        assertEquals(alice.consoleErrors, []);
      });
    }
  },
);

Deno.test("a phone's page has targets of 40 px, and no horizontal scrolling", WITH_BROWSER, async () => {
  await using fixture = await PlaygroundFixture.open();
  await using alice = await fixture.openPage({ viewport: SCREENS[0] });
  const { page } = alice;
  const width = () => page.evaluate("document.documentElement.scrollWidth");
  const form = page.getByRole("form", { name: "Join a room" });
  await form.getByText("Role and claims").click();
  await form.getByRole("radio", { name: "someone else" }).check();
  assertEquals(await page.evaluate(smallTargets), []);
  assertEquals(await width(), 390);

  await form.getByRole("textbox", { name: "Name" }).fill("n".repeat(64));
  await form.getByRole("textbox", { name: "Room" }).fill("r".repeat(128));
  await form.getByRole("button", { name: "Join" }).click();
  await alice.waitForState("Live.");
  await alice.send("x".repeat(200));
  await alice.waitForTexts(["x".repeat(200)]);
  await page.getByRole("list", { name: "Frames" }).locator("summary").last().click();
  assertEquals(await page.evaluate(smallTargets), []);
  assertEquals(await width(), 390);
  assertEquals(alice.consoleErrors, []);
});
