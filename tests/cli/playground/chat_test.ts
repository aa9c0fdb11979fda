import { assertEquals } from "@std/assert";
import { Stage, WITH_BROWSER } from "./stage.ts";

Deno.test("the playground's chat", WITH_BROWSER, async (t) => {
  await using stage = await Stage.open({ HISTORY_MESSAGES: "60", MAX_FRAME_BYTES: "600" });

  await t.step("loads older messages on demand", async () => {
    const said = Array.from({ length: 60 }, (_, at) => `message ${at + 1}`);
    await stage.publish("bob", "long", said);
    await using alice = await stage.visitor({ user: "alice", room: "long" });
    await alice.untilTexts(said.slice(10));
    const older = alice.page.getByRole("button", { name: "Load older messages" });
    await older.press("Enter");
    await alice.untilTexts(said);
    await older.waitFor({ state: "hidden" });
    assertEquals(alice.complaints, []);
  });

  await t.step("says what is no longer kept", async () => {
    await using alice = await stage.visitor({ user: "alice", room: "gap" });
    await alice.networkSwitch.click();
    await alice.untilState("Waiting.");
    const said = Array.from({ length: 64 }, (_, at) => `message ${at + 1}`);
    await stage.publish("bob", "gap", said);
    await alice.networkSwitch.click();
    await alice.untilTexts(said.slice(4));
    await alice.untilState("Something was missed");
    const entries = await alice.page.getByRole("log").getByRole("listitem").allInnerTexts();
    assertEquals(entries[0], "Messages 1 to 4 are no longer kept.");
    assertEquals(alice.complaints, []);
  });

  await t.step("keeps what could not be sent, with the reason, and tries again when told to", async () => {
    await using alice = await stage.visitor({ user: "alice", room: "large" });
    await alice.say("x".repeat(800));
    const failed = alice.page.getByRole("log").getByRole("alert");
    await failed.filter({ hasText: "Not sent: too_large" }).waitFor();
    await failed.getByRole("button", { name: "Try again" }).click();
    await failed.filter({ hasText: "Not sent: too_large" }).waitFor();
    assertEquals(await alice.texts(), []);
    assertEquals(alice.complaints, []);
  });
});
