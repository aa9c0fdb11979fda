import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { PlaygroundFixture, WITH_BROWSER } from "./playground_fixture.ts";

const SIZE = { width: 1280, height: 800 } as const;
const DOCS = fileURLToPath(new URL("../../../docs", import.meta.url));

/**
 * True if PLAYGROUND_SCREENSHOTS is 1: then this test writes the README's pictures
 * docs/playground.png and docs/playground-dark.png. Otherwise they go to a temporary folder.
 */
const isForTheDocs = Deno.env.get("PLAYGROUND_SCREENSHOTS") === "1";

/** Reads width and height from a PNG's first chunk. */
async function pngSize(path: string): Promise<{ width: number; height: number }> {
  const bytes = await Deno.readFile(path);
  assertEquals([...bytes.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(bytes.buffer);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

Deno.test("screenshots of the playground, light and dark", WITH_BROWSER, async () => {
  await using fixture = await PlaygroundFixture.open();
  await using alice = await fixture.openPage({ user: "alice", viewport: SIZE });
  await using bob = await fixture.openPage({ user: "bob" });
  const texts: string[] = [];
  async function sendAndWait(user: typeof alice, text: string): Promise<void> {
    await user.send(text);
    texts.push(text);
    await user.waitForTexts(texts);
  }
  await sendAndWait(bob, "Morning! Where are you?");
  await alice.waitForTexts(texts);
  await sendAndWait(alice, "On the train, about to enter a tunnel.");
  await bob.waitForTexts(texts);
  await alice.networkSwitch.click();
  await alice.waitForState("Waiting.");
  await sendAndWait(bob, "Then I will keep writing.");
  await sendAndWait(bob, "No message gets lost.");
  const written = "Written in the tunnel, sent after it.";
  await alice.send(written);
  await alice.networkSwitch.click();
  texts.push(written);
  await alice.waitForTexts(texts);
  await alice.waitForState("No messages were missed.");
  await bob.waitForTexts(texts);
  await bob.page.getByRole("textbox", { name: "Message" }).fill("Welcome back");
  await alice.waitForText("typing…");
  // The pointer must not highlight a button.
  await alice.page.mouse.move(0, 0);

  const folder = isForTheDocs ? DOCS : await Deno.makeTempDir();
  try {
    for (
      const [colorScheme, name] of [["light", "playground.png"], ["dark", "playground-dark.png"]] as const
    ) {
      await alice.page.emulateMedia({ colorScheme });
      const path = `${folder}/${name}`;
      await alice.page.screenshot({ path, scale: "css", animations: "disabled", caret: "hide" });
      assertEquals(await pngSize(path), { ...SIZE });
    }
  } finally {
    if (!isForTheDocs) await Deno.remove(folder, { recursive: true });
  }
  assertEquals([...alice.consoleErrors, ...bob.consoleErrors], []);
});
