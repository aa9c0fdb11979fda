import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../../tools/support/eventually.ts";
import { PlaygroundFixture, WITH_BROWSER } from "./playground_fixture.ts";

Deno.test("two users in the playground", WITH_BROWSER, async (t) => {
  await using fixture = await PlaygroundFixture.open();

  await t.step("chat with each other, and see members join, leave and type", async () => {
    await using alice = await fixture.openPage({ user: "alice", room: "talk" });
    const members = alice.page.getByRole("list", { name: "Members" }).getByRole("listitem");
    {
      await using bob = await fixture.openPage({ user: "bob", room: "talk", colorScheme: "dark" });
      await alice.waitForText("bob joined.");
      await eventually(() => members.count(), (count) => count === 2);
      await alice.send("Hello <b>Bob</b>");
      await bob.waitForTexts(["Hello <b>Bob</b>"]);
      await bob.send("Hello Alice");
      await alice.waitForTexts(["Hello <b>Bob</b>", "Hello Alice"]);
      await bob.page.getByRole("textbox", { name: "Message" }).pressSequentially("Do you");
      await members.filter({ hasText: "bob" }).getByText("typing…").waitFor();

      // A user with two tabs has one entry.
      await using second = await fixture.openPage({ user: "bob", room: "talk" });
      await second.waitForTexts(["Hello <b>Bob</b>", "Hello Alice"]);
      await members.filter({ hasText: "2 connections" }).waitFor();
      assertEquals(await members.count(), 2);
      await second.page.getByRole("button", { name: "Leave" }).click();
      await members.filter({ hasText: "2 connections" }).waitFor({ state: "detached" });
      await bob.page.getByRole("button", { name: "Leave" }).click();
      await bob.page.getByRole("form", { name: "Join a room" }).waitFor();
      assertEquals([...bob.consoleErrors, ...second.consoleErrors], []);
    }
    await alice.waitForText("bob left.");
    assertEquals(await members.count(), 1);
    assertEquals(alice.consoleErrors, []);
  });

  await t.step("lose their network and miss no message", async () => {
    await using alice = await fixture.openPage({ user: "alice", room: "tunnel" });
    await using bob = await fixture.openPage({ user: "bob", room: "tunnel" });
    await alice.networkSwitch.click();
    await alice.waitForState("Waiting.");
    const fromBob = [1, 2, 3, 4, 5].map((number) => `bob ${number}`);
    for (const text of fromBob) await bob.send(text);
    await bob.waitForTexts(fromBob);
    await alice.send("alice 1");
    await alice.send("alice 2");
    assertEquals(await alice.texts(), []);
    assertEquals(await alice.page.getByText("Waiting to be sent").count(), 2);

    await alice.networkSwitch.click();
    const everything = [...fromBob, "alice 1", "alice 2"];
    await alice.waitForTexts(everything);
    await bob.waitForTexts(everything);
    await alice.waitForState("No messages were missed.");
    assertEquals(await alice.page.getByText("Waiting to be sent").count(), 0);
    // Bob never saw her leave.
    assertEquals(await bob.page.getByText("alice left.").count(), 0);
    assertEquals([...alice.consoleErrors, ...bob.consoleErrors], []);
  });

  await t.step("cut a connection, which resumes", async () => {
    await using alice = await fixture.openPage({ user: "alice", room: "cut" });
    await alice.send("before");
    await alice.waitForTexts(["before"]);
    await alice.page.getByRole("button", { name: "Cut the connection" }).click();
    await alice.waitForState("No messages were missed.");
    await alice.send("after");
    await alice.waitForTexts(["before", "after"]);
    const log = alice.page.getByRole("list", { name: "Connection log" });
    const lines = (await log.getByRole("listitem").allInnerTexts()).map((line) =>
      line.replace(/^[\d:.]+\s*/, "")
    );
    assertEquals(lines, [
      "live, recovered",
      "connecting, attempt 2",
      "waiting, disconnected",
      "you cut the connection",
      "live",
      "connecting",
      "idle",
    ]);
    assertEquals(await alice.page.locator("#machine .lit").count(), 2);
    assertEquals(alice.consoleErrors, []);
  });

  await t.step("go back and forth in the browser, and follow the link to another tab", async () => {
    await using alice = await fixture.openPage({ user: "alice", room: "link" });
    assertEquals(await alice.page.title(), "alice in link – Realtime Edge playground");
    const link = alice.page.getByRole("link", { name: "Open as bob in another tab" });
    const [tab] = await Promise.all([alice.page.waitForEvent("popup"), link.click()]);
    await tab.getByText("As bob.").waitFor();
    await alice.waitForText("bob joined.");

    await alice.page.getByRole("button", { name: "Leave" }).click();
    const form = alice.page.getByRole("form", { name: "Join a room" });
    await form.waitFor();
    assert(await form.getByRole("radio", { name: "alice" }).isChecked());
    await form.getByRole("radio", { name: "someone else" }).check();
    await form.getByRole("textbox", { name: "Name" }).fill("Zoë O’Neill");
    await form.getByRole("button", { name: "Join" }).click();
    await alice.waitForState("As Zoë O’Neill.");
    await alice.page.goBack();
    await form.waitFor();
    await alice.page.goBack();
    await alice.waitForState("As alice.");
    assertEquals(alice.consoleErrors, []);
  });
});
