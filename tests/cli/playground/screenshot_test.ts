import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Stage, WITH_BROWSER } from "./stage.ts";

const SIZE = { width: 1280, height: 800 } as const;
const DOCS = fileURLToPath(new URL("../../../docs", import.meta.url));

/**
 * `PLAYGROUND_SCREENSHOTS=1 deno test -A --no-check tests/playground/screenshot_test.ts` writes the README's pictures,
 * docs/playground.png and docs/playground-dark.png. Otherwise they go to a folder that is removed again.
 */
const isForTheDocs = Deno.env.get("PLAYGROUND_SCREENSHOTS") === "1";

/** Width and height of a PNG, from its first chunk. */
async function pngSize(path: string): Promise<{ width: number; height: number }> {
  const bytes = await Deno.readFile(path);
  assertEquals([...bytes.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(bytes.buffer);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

Deno.test("a picture of the playground, light and dark", WITH_BROWSER, async () => {
  await using stage = await Stage.open();
  await using alice = await stage.visitor({ user: "alice", viewport: SIZE });
  await using bob = await stage.visitor({ user: "bob" });
  const said: string[] = [];
  async function converse(who: typeof alice, text: string): Promise<void> {
    await who.say(text);
    said.push(text);
    await who.untilTexts(said);
  }
  await converse(bob, "Morning! Where are you?");
  await alice.untilTexts(said);
  await converse(alice, "On the train, about to enter a tunnel.");
  await bob.untilTexts(said);
  await alice.networkSwitch.click();
  await alice.untilState("Waiting.");
  await converse(bob, "Then I will just go on.");
  await converse(bob, "Nothing of this gets lost.");
  const written = "Written in the tunnel, sent behind it.";
  await alice.say(written);
  await alice.networkSwitch.click();
  said.push(written);
  await alice.untilTexts(said);
  await alice.untilState("Nothing was missed.");
  await bob.untilTexts(said);
  await bob.page.getByRole("textbox", { name: "Message" }).fill("Welcome back");
  await alice.untilShown("typing…");
  // The pointer would light a button.
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
  assertEquals([...alice.complaints, ...bob.complaints], []);
});
