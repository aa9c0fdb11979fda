import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../../tools/support/eventually.ts";
import { Stage, WITH_BROWSER } from "./stage.ts";

Deno.test("two people in the playground", WITH_BROWSER, async (t) => {
  await using stage = await Stage.open();

  await t.step("chat with each other, and see who is there, who comes, goes and types", async () => {
    await using alice = await stage.visitor({ user: "alice", room: "talk" });
    const members = alice.page.getByRole("list", { name: "Who is there" }).getByRole("listitem");
    {
      await using bob = await stage.visitor({ user: "bob", room: "talk", colorScheme: "dark" });
      await alice.untilShown("bob joined.");
      await eventually(() => members.count(), (count) => count === 2);
      await alice.say("Hello <b>Bob</b>");
      await bob.untilTexts(["Hello <b>Bob</b>"]);
      await bob.say("Hello Alice");
      await alice.untilTexts(["Hello <b>Bob</b>", "Hello Alice"]);
      await bob.page.getByRole("textbox", { name: "Message" }).pressSequentially("Do you");
      await members.filter({ hasText: "bob" }).getByText("typing…").waitFor();

      // Who has two tabs open is there once.
      await using second = await stage.visitor({ user: "bob", room: "talk" });
      await second.untilTexts(["Hello <b>Bob</b>", "Hello Alice"]);
      await members.filter({ hasText: "2 connections" }).waitFor();
      assertEquals(await members.count(), 2);
      await second.page.getByRole("button", { name: "Leave" }).click();
      await members.filter({ hasText: "2 connections" }).waitFor({ state: "detached" });
      await bob.page.getByRole("button", { name: "Leave" }).click();
      await bob.page.getByRole("form", { name: "Join a room" }).waitFor();
      assertEquals([...bob.complaints, ...second.complaints], []);
    }
    await alice.untilShown("bob left.");
    assertEquals(await members.count(), 1);
    assertEquals(alice.complaints, []);
  });

  await t.step("lose their network, and miss nothing", async () => {
    await using alice = await stage.visitor({ user: "alice", room: "tunnel" });
    await using bob = await stage.visitor({ user: "bob", room: "tunnel" });
    await alice.networkSwitch.click();
    await alice.untilState("Waiting.");
    const fromBob = [1, 2, 3, 4, 5].map((number) => `bob ${number}`);
    for (const text of fromBob) await bob.say(text);
    await bob.untilTexts(fromBob);
    await alice.say("alice 1");
    await alice.say("alice 2");
    assertEquals(await alice.texts(), []);
    assertEquals(await alice.page.getByText("Waiting to be sent").count(), 2);

    await alice.networkSwitch.click();
    const everything = [...fromBob, "alice 1", "alice 2"];
    await alice.untilTexts(everything);
    await bob.untilTexts(everything);
    await alice.untilState("Nothing was missed.");
    assertEquals(await alice.page.getByText("Waiting to be sent").count(), 0);
    // Bob was never told that she left.
    assertEquals(await bob.page.getByText("alice left.").count(), 0);
    assertEquals([...alice.complaints, ...bob.complaints], []);
  });

  await t.step("cut a connection, and it resumes", async () => {
    await using alice = await stage.visitor({ user: "alice", room: "cut" });
    await alice.say("before");
    await alice.untilTexts(["before"]);
    await alice.page.getByRole("button", { name: "Cut the connection" }).click();
    await alice.untilState("Nothing was missed.");
    await alice.say("after");
    await alice.untilTexts(["before", "after"]);
    const trail = alice.page.getByRole("list", { name: "What happened" });
    const lines = (await trail.getByRole("listitem").allInnerTexts()).map((line) =>
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
    assertEquals(alice.complaints, []);
  });

  await t.step("go back and forth in the browser, and follow the link to another tab", async () => {
    await using alice = await stage.visitor({ user: "alice", room: "link" });
    assertEquals(await alice.page.title(), "alice in link – Realtime Edge playground");
    const link = alice.page.getByRole("link", { name: "Open as bob in another tab" });
    const [tab] = await Promise.all([alice.page.waitForEvent("popup"), link.click()]);
    await tab.getByText("As bob.").waitFor();
    await alice.untilShown("bob joined.");

    await alice.page.getByRole("button", { name: "Leave" }).click();
    const form = alice.page.getByRole("form", { name: "Join a room" });
    await form.waitFor();
    assert(await form.getByRole("radio", { name: "alice" }).isChecked());
    await form.getByRole("radio", { name: "someone else" }).check();
    await form.getByRole("textbox", { name: "Name" }).fill("Zoë O’Neill");
    await form.getByRole("button", { name: "Join" }).click();
    await alice.untilState("As Zoë O’Neill.");
    await alice.page.goBack();
    await form.waitFor();
    await alice.page.goBack();
    await alice.untilState("As alice.");
    assertEquals(alice.complaints, []);
  });
});
