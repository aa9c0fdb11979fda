import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { eventually } from "../../../tools/support/eventually.ts";
import { Stage, WITH_BROWSER } from "./stage.ts";

Deno.test("the playground's frames", WITH_BROWSER, async (t) => {
  await using stage = await Stage.open({ HEARTBEAT_MS: "200" });
  await using alice = await stage.visitor({ user: "alice" });
  const { page } = alice;
  const list = page.getByRole("list", { name: "Frames" });
  const types = () => list.locator("li:visible b").allInnerTexts();

  await t.step("are all there, in both directions", async () => {
    await alice.say("hello");
    await alice.untilTexts(["hello"]);
    await eventually(types, (seen) => seen.includes("ack") && seen.includes("message"));
    assertEquals((await types()).at(0), "welcome");
    const publish = list.getByRole("listitem").filter({ hasText: "publish" });
    await publish.getByText("sent", { exact: true }).waitFor();
    await publish.locator("summary").click();
    const shown = JSON.parse(await publish.locator("pre").innerText());
    assertEquals([shown.type, shown.event, shown.data], ["publish", "chat", { text: "hello" }]);
  });

  await t.step("hide heartbeats until they are wanted", async () => {
    await eventually(() => list.locator(".heartbeat").count(), (count) => count > 0);
    assert(!(await types()).includes("pong"));
    await page.getByRole("checkbox", { name: "Heartbeats" }).check();
    assert((await types()).some((type) => type === "pong" || type === "ping"));
  });

  await t.step("stand still while paused, and go on with what came meanwhile", async () => {
    await page.getByRole("checkbox", { name: "Heartbeats" }).uncheck();
    await page.getByRole("button", { name: "Clear" }).click();
    assertEquals(await list.getByRole("listitem").count(), 0);
    await page.getByRole("button", { name: "Pause" }).click();
    await alice.say("unseen");
    await alice.untilTexts(["hello", "unseen"]);
    assertEquals(await list.getByRole("listitem").count(), 0);
    await page.getByRole("button", { name: /Go on/, pressed: true }).click();
    await list.getByText(/#2 alice: \{"text":"unseen"\}/).waitFor();
  });

  await t.step("are the last 500 at most, also when many come at once", async () => {
    await alice.networkSwitch.click();
    await alice.untilState("Waiting.");
    await stage.publish("bob", "lobby", Array.from({ length: 510 }, (_, at) => `message ${at + 1}`));
    await alice.networkSwitch.click();
    await alice.untilShown("message 510");
    await eventually(() => list.getByText(/"message 510"/).count(), (count) => count === 1);
    // Heartbeats count, though they are hidden.
    assertEquals(await list.locator("li").count(), 500);
    // The newest is in sight, and the first stop of the Tab key.
    const last = list.locator("li:visible").last();
    const [row, box] = [await last.boundingBox(), await list.boundingBox()];
    assert(row && box && row.y + row.height <= box.y + box.height);
    assertEquals(await last.locator("summary").getAttribute("tabindex"), "0");
  });

  await t.step("show no token, and the page keeps none", async () => {
    const token = await stage.token("alice");
    assertMatch(token, /^eyJ/);
    assertNotMatch(await page.content(), /eyJ/);
    const kept = await page.evaluate(
      "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])",
    );
    assertEquals(kept, '[{},{},""]');
    assertEquals(alice.complaints, []);
  });
});
