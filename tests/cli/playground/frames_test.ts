import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { eventually } from "../../../tools/support/eventually.ts";
import { PlaygroundFixture, WITH_BROWSER } from "./playground_fixture.ts";

Deno.test("the playground's frames", WITH_BROWSER, async (t) => {
  await using fixture = await PlaygroundFixture.open({ HEARTBEAT_MS: "200" });
  await using alice = await fixture.openPage({ user: "alice" });
  const { page } = alice;
  const list = page.getByRole("list", { name: "Frames" });
  const types = () => list.locator("li:visible b").allInnerTexts();

  await t.step("show sent and received frames", async () => {
    await alice.send("hello");
    await alice.waitForTexts(["hello"]);
    await eventually(types, (seen) => seen.includes("ack") && seen.includes("message"));
    assertEquals((await types()).at(0), "welcome");
    const publish = list.getByRole("listitem").filter({ hasText: "publish" });
    await publish.getByText("sent", { exact: true }).waitFor();
    await publish.locator("summary").click();
    const shown = JSON.parse(await publish.locator("pre").innerText());
    assertEquals([shown.type, shown.event, shown.data], ["publish", "chat", { text: "hello" }]);
  });

  await t.step("hide heartbeats by default", async () => {
    await eventually(() => list.locator(".heartbeat").count(), (count) => count > 0);
    assert(!(await types()).includes("pong"));
    await page.getByRole("checkbox", { name: "Heartbeats" }).check();
    assert((await types()).some((type) => type === "pong" || type === "ping"));
  });

  await t.step("stop while paused, and then show the frames of the pause", async () => {
    await page.getByRole("checkbox", { name: "Heartbeats" }).uncheck();
    await page.getByRole("button", { name: "Clear" }).click();
    assertEquals(await list.getByRole("listitem").count(), 0);
    await page.getByRole("button", { name: "Pause" }).click();
    await alice.send("unseen");
    await alice.waitForTexts(["hello", "unseen"]);
    assertEquals(await list.getByRole("listitem").count(), 0);
    await page.getByRole("button", { name: /Resume/, pressed: true }).click();
    await list.getByText(/#2 alice: \{"text":"unseen"\}/).waitFor();
  });

  await t.step("are the last 500, even after a burst", async () => {
    await alice.networkSwitch.click();
    await alice.waitForState("Waiting.");
    await fixture.publish("bob", "lobby", Array.from({ length: 510 }, (_, at) => `message ${at + 1}`));
    await alice.networkSwitch.click();
    await alice.waitForText("message 510");
    await eventually(() => list.getByText(/"message 510"/).count(), (count) => count === 1);
    // Hidden heartbeats count too.
    assertEquals(await list.locator("li").count(), 500);
    // The newest frame is visible, and is the list's tab stop.
    const last = list.locator("li:visible").last();
    const [row, box] = [await last.boundingBox(), await list.boundingBox()];
    assert(row && box && row.y + row.height <= box.y + box.height);
    assertEquals(await last.locator("summary").getAttribute("tabindex"), "0");
  });

  await t.step("show no token, and the page stores none", async () => {
    const token = await fixture.token("alice");
    assertMatch(token, /^eyJ/);
    assertNotMatch(await page.content(), /eyJ/);
    const stored = await page.evaluate(
      "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])",
    );
    assertEquals(stored, '[{},{},""]');
    assertEquals(alice.consoleErrors, []);
  });
});
