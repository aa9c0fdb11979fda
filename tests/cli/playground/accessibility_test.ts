import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { lowContrast } from "./low_contrast.ts";
import { PlaygroundFixture, WITH_BROWSER } from "./playground_fixture.ts";

Deno.test("the playground is accessible", WITH_BROWSER, async (t) => {
  // Small limits, so that a gap and a too large message are quick to cause.
  await using fixture = await PlaygroundFixture.open({ HISTORY_MESSAGES: "5", MAX_FRAME_BYTES: "600" });

  await t.step("every control works with the keyboard", async () => {
    await using bob = await fixture.openPage({ user: "bob", room: "keys" });
    await using alice = await fixture.openPage();
    const { page } = alice;
    const { keyboard } = page;
    const focused = page.locator(":focus");
    const focusedName = async () => (await focused.ariaSnapshot()).trim();
    await page.getByRole("radio", { name: "alice" }).and(focused).waitFor();
    await keyboard.press("Tab");
    await keyboard.type("keys");
    await keyboard.press("Enter");
    await alice.waitForState("Live.");
    assertMatch(await focusedName(), /textbox "Message"/);
    await keyboard.type("typed");
    await keyboard.press("Enter");
    await bob.waitForTexts(["typed"]);

    // Back to the chat log, and forward to the switch.
    await keyboard.press("Shift+Tab");
    assertMatch(await focusedName(), /textbox "Event"/);
    await keyboard.press("Shift+Tab");
    assertMatch(await focusedName(), /log "Chat"/);
    for (
      const name of [
        /Event/,
        /Message/,
        /Send/,
        /button "Cut the connection"/,
        /switch "Network" \[checked\]/,
      ]
    ) {
      await keyboard.press("Tab");
      assertMatch(await focusedName(), name);
    }
    await keyboard.press("Space");
    await alice.waitForState("Waiting.");
    assertNotMatch(await focusedName(), /checked/);
    await bob.send("meanwhile");
    await keyboard.press("Space");
    await alice.waitForTexts(["typed", "meanwhile"]);
    await keyboard.press("Shift+Tab");
    assertMatch(await focusedName(), /button "Cut the connection"/);
    await keyboard.press("Enter");
    await alice.waitForState("No messages were missed.");
    assertMatch(await focusedName(), /switch "Network"/);

    // Forward to the frames: one tab stop, with arrow keys inside.
    for (const name of [/Connection log/, /Heartbeats/, /Pause/, /Clear/]) {
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
    assertEquals([...alice.consoleErrors, ...bob.consoleErrors], []);
  });

  await t.step("the accessibility tree names every region and control", async () => {
    await using alice = await fixture.openPage({ user: "alice", room: "tree" });
    await alice.send("hello");
    await alice.waitForTexts(["hello"]);
    const { page } = alice;
    await page.getByRole("banner").getByRole("heading", { level: 1, name: "Realtime Edge playground" })
      .waitFor();
    const main = page.getByRole("main");
    for (const name of ["Connection", "Chat", "Members", "Frames"]) {
      await main.getByRole("region", { name }).getByRole("heading", { level: 2, name }).waitFor();
    }
    await main.getByRole("log", { name: "Chat" }).getByRole("listitem").filter({ hasText: "hello" })
      .waitFor();
    await main.getByRole("switch", { name: "Network", checked: true }).waitFor();
    await main.getByRole("button", { name: "Pause", pressed: false }).waitFor();
    await main.getByRole("list", { name: "Members" }).getByText("alice").waitFor();
    assertEquals(await main.getByRole("status").count(), 2);
    // Every control has a name.
    const nameless = /^\s*- (button|link|textbox|switch|checkbox|radio)(?! ")/;
    const tree = (await page.locator("body").ariaSnapshot()).split("\n");
    assertEquals(tree.filter((line) => nameless.test(line)), []);
  });

  for (const colorScheme of ["light", "dark"] as const) {
    await t.step(
      `in ${colorScheme} mode every text has a contrast of 4.5 with its background, in every state`,
      async () => {
        await using alice = await fixture.openPage({ user: "alice", room: colorScheme, colorScheme });
        await using bob = await fixture.openPage({ user: "bob", room: colorScheme, colorScheme });
        const { page } = alice;
        await bob.send("hello");
        await alice.waitForTexts(["hello"]);
        await alice.send("hello");
        await alice.waitForTexts(["hello", "hello"]);
        await bob.page.getByRole("textbox", { name: "Message" }).fill("I");
        await page.getByText("typing…").waitFor();
        assertEquals(await page.evaluate(lowContrast), []);
        await alice.networkSwitch.click();
        await alice.waitForState("Waiting.");
        await alice.send("unsent");
        await page.locator("#frames summary").last().click();
        assertEquals(await page.evaluate(lowContrast), []);
        await fixture.publish("bob", colorScheme, ["1", "2", "3", "4", "5", "6"]);
        await alice.networkSwitch.click();
        await alice.waitForText(/no longer kept/);
        await alice.send("x".repeat(800));
        await alice.waitForText("too_large");
        assertEquals(await page.evaluate(lowContrast), []);
        await page.getByRole("button", { name: "Leave" }).click();
        await page.getByRole("form", { name: "Join a room" }).waitFor();
        assertEquals(await page.evaluate(lowContrast), []);
        assertEquals(alice.consoleErrors, []);
      },
    );
  }

  await t.step("a narrow screen needs no horizontal scrolling", async () => {
    await using alice = await fixture.openPage({
      user: "alice",
      room: "narrow",
      viewport: { width: 360, height: 640 },
    });
    await alice.send("W".repeat(200));
    await alice.waitForTexts(["W".repeat(200)]);
    await alice.send("x".repeat(800));
    await alice.waitForText("too_large");
    const widths = await alice.page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
    assertEquals(widths, [360, 360]);
    await alice.page.getByRole("button", { name: "Leave" }).click();
    assertEquals(await alice.page.evaluate("document.documentElement.scrollWidth"), 360);
  });
});
