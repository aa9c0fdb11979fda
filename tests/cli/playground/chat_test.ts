import { assertEquals } from "@std/assert";
import { PlaygroundFixture, WITH_BROWSER } from "./playground_fixture.ts";

Deno.test("the playground's chat", WITH_BROWSER, async (t) => {
  await using fixture = await PlaygroundFixture.open({ HISTORY_MESSAGES: "60", MAX_FRAME_BYTES: "600" });

  await t.step("loads older messages on demand", async () => {
    const texts = Array.from({ length: 60 }, (_, at) => `message ${at + 1}`);
    await fixture.publish("bob", "long", texts);
    await using alice = await fixture.openPage({ user: "alice", room: "long" });
    await alice.waitForTexts(texts.slice(10));
    const older = alice.page.getByRole("button", { name: "Load older messages" });
    await older.press("Enter");
    await alice.waitForTexts(texts);
    await older.waitFor({ state: "hidden" });
    assertEquals(alice.consoleErrors, []);
  });

  await t.step("shows which messages are no longer kept", async () => {
    await using alice = await fixture.openPage({ user: "alice", room: "gap" });
    await alice.networkSwitch.click();
    await alice.waitForState("Waiting.");
    const texts = Array.from({ length: 64 }, (_, at) => `message ${at + 1}`);
    await fixture.publish("bob", "gap", texts);
    await alice.networkSwitch.click();
    await alice.waitForTexts(texts.slice(4));
    await alice.waitForState("Some messages were missed");
    const entries = await alice.page.getByRole("log").getByRole("listitem").allInnerTexts();
    assertEquals(entries[0], "Messages 1 to 4 are no longer kept.");
    assertEquals(alice.consoleErrors, []);
  });

  await t.step("shows an unsent message with the reason, and retries it on demand", async () => {
    await using alice = await fixture.openPage({ user: "alice", room: "large" });
    await alice.send("x".repeat(800));
    const failed = alice.page.getByRole("log").getByRole("alert");
    await failed.filter({ hasText: "Not sent: too_large" }).waitFor();
    await failed.getByRole("button", { name: "Try again" }).click();
    await failed.filter({ hasText: "Not sent: too_large" }).waitFor();
    assertEquals(await alice.texts(), []);
    assertEquals(alice.consoleErrors, []);
  });
});
