import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { lowContrast } from "./low_contrast.ts";
import { Stage, WITH_BROWSER } from "./stage.ts";

Deno.test("the playground is for everybody", WITH_BROWSER, async (t) => {
  // Little, so that a gap and a message that is too large are soon there.
  await using stage = await Stage.open({ HISTORY_MESSAGES: "5", MAX_FRAME_BYTES: "600" });

  await t.step("everything can be done by keyboard", async () => {
    await using bob = await stage.visitor({ user: "bob", room: "keys" });
    await using visitor = await stage.visitor();
    const { page } = visitor;
    const { keyboard } = page;
    const focused = page.locator(":focus");
    const focusedName = async () => (await focused.ariaSnapshot()).trim();
    await page.getByRole("radio", { name: "alice" }).and(focused).waitFor();
    await keyboard.press("Tab");
    await keyboard.type("keys");
    await keyboard.press("Enter");
    await visitor.untilState("Live.");
    assertMatch(await focusedName(), /textbox "Message"/);
    await keyboard.type("typed");
    await keyboard.press("Enter");
    await bob.untilTexts(["typed"]);

    // Back to the switch: over the log and the list of what happened.
    for (const name of [/log "Chat"/, /list "What happened"/, /switch "Network" \[checked\]/]) {
      await keyboard.press("Shift+Tab");
      assertMatch(await focusedName(), name);
    }
    await keyboard.press("Space");
    await visitor.untilState("Waiting.");
    assertNotMatch(await focusedName(), /checked/);
    await bob.say("meanwhile");
    await keyboard.press("Space");
    await visitor.untilTexts(["typed", "meanwhile"]);
    await keyboard.press("Shift+Tab");
    assertMatch(await focusedName(), /button "Cut the connection"/);
    await keyboard.press("Enter");
    await visitor.untilState("Nothing was missed.");
    assertMatch(await focusedName(), /switch "Network"/);

    // On to the frames: one stop, and within it the arrow keys.
    for (const name of [/What happened/, /Chat/, /Message/, /Send/, /Heartbeats/, /Pause/, /Clear/]) {
      await keyboard.press("Tab");
      assertMatch(await focusedName(), name);
    }
    await keyboard.press("Tab");
    const rows = page.getByRole("list", { name: "Frames" }).locator("summary");
    await rows.last().and(focused).waitFor();
    await keyboard.press("ArrowUp");
    await keyboard.press("Home");
    await rows.first().and(focused).waitFor();
    await keyboard.press("ArrowDown");
    await rows.nth(1).and(focused).waitFor();
    await keyboard.press("Enter");
    await page.locator("pre").waitFor();
    assertEquals([...visitor.complaints, ...bob.complaints], []);
  });

  await t.step("a screen reader is told what there is", async () => {
    await using alice = await stage.visitor({ user: "alice", room: "tree" });
    await alice.say("hello");
    await alice.untilTexts(["hello"]);
    const { page } = alice;
    await page.getByRole("banner").getByRole("heading", { level: 1, name: "Realtime Edge playground" })
      .waitFor();
    const main = page.getByRole("main");
    for (const name of ["Connection", "Chat", "Who is there", "Frames"]) {
      await main.getByRole("region", { name }).getByRole("heading", { level: 2, name }).waitFor();
    }
    await main.getByRole("log", { name: "Chat" }).getByRole("listitem").filter({ hasText: "hello" })
      .waitFor();
    await main.getByRole("switch", { name: "Network", checked: true }).waitFor();
    await main.getByRole("button", { name: "Pause", pressed: false }).waitFor();
    await main.getByRole("list", { name: "Who is there" }).getByText("alice").waitFor();
    assertEquals(await main.getByRole("status").count(), 2);
    // Nothing that can be pressed or filled in is without a name.
    const nameless = /^\s*- (button|link|textbox|switch|checkbox|radio)(?! ")/;
    const tree = (await page.locator("body").ariaSnapshot()).split("\n");
    assertEquals(tree.filter((line) => nameless.test(line)), []);
  });

  for (const colorScheme of ["light", "dark"] as const) {
    await t.step(
      `in ${colorScheme} every text has a contrast of 4.5 with its ground, in every state`,
      async () => {
        await using alice = await stage.visitor({ user: "alice", room: colorScheme, colorScheme });
        await using bob = await stage.visitor({ user: "bob", room: colorScheme, colorScheme });
        const { page } = alice;
        await bob.say("hello");
        await alice.untilTexts(["hello"]);
        await alice.say("hello");
        await alice.untilTexts(["hello", "hello"]);
        await bob.page.getByRole("textbox", { name: "Message" }).fill("I");
        await page.getByText("typing…").waitFor();
        assertEquals(await page.evaluate(lowContrast), []);
        await alice.networkSwitch.click();
        await alice.untilState("Waiting.");
        await alice.say("unsent");
        await page.locator("#frames summary").last().click();
        assertEquals(await page.evaluate(lowContrast), []);
        await stage.publish("bob", colorScheme, ["1", "2", "3", "4", "5", "6"]);
        await alice.networkSwitch.click();
        await alice.untilShown(/no longer kept/);
        await alice.say("x".repeat(800));
        await alice.untilShown("too_large");
        assertEquals(await page.evaluate(lowContrast), []);
        await page.getByRole("button", { name: "Leave" }).click();
        await page.getByRole("form", { name: "Join a room" }).waitFor();
        assertEquals(await page.evaluate(lowContrast), []);
        assertEquals(alice.complaints, []);
      },
    );
  }

  await t.step("on a narrow screen nothing is cut off", async () => {
    await using alice = await stage.visitor({
      user: "alice",
      room: "narrow",
      viewport: { width: 360, height: 640 },
    });
    await alice.say("W".repeat(200));
    await alice.untilTexts(["W".repeat(200)]);
    await alice.say("x".repeat(800));
    await alice.untilShown("too_large");
    const widths = await alice.page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
    assertEquals(widths, [360, 360]);
    await alice.page.getByRole("button", { name: "Leave" }).click();
    assertEquals(await alice.page.evaluate("document.documentElement.scrollWidth"), 360);
  });
});
