/** Every numbered rule of docs/protocol.md has a test whose name begins with its number, and no test names a rule that is none. */
import { assert, assertEquals } from "@std/assert";
import { listFiles } from "../../tools/support/list_files.ts";

const TESTS = new URL("../", import.meta.url);

/** The rules of the document: `- **5.3** …`. */
async function readRules(): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("../docs/protocol.md", TESTS));
  return [...text.matchAll(/^- \*\*(\d+\.\d+)\*\* /gm)].map(([, rule = ""]) => rule);
}

/** The rules that tests of this folder are named with. */
async function readNamed(): Promise<Map<string, string[]>> {
  const named = new Map<string, string[]>();
  const add = (rule: string, path: string) => named.set(rule, [...named.get(rule) ?? [], path]);
  for (const path of await listFiles(new URL("protocol/", TESTS), "_test.ts")) {
    const text = await Deno.readTextFile(new URL(`protocol/${path}`, TESTS));
    for (const [, rule = ""] of text.matchAll(/Deno\.test\(\s*["`'](\d+\.\d+) /g)) add(rule, path);
  }
  // The steps of the handshake, which are rules of section 2: `Handshake 3: …`, the number given as a name's beginning.
  for (const path of ["http/handshake_test.ts", "http/handshake_upgrade_test.ts"]) {
    const text = await Deno.readTextFile(new URL(path, TESTS));
    for (const [, step = ""] of text.matchAll(/["`'](?:Handshake )?(\d): /g)) add(`2.${step}`, path);
    for (const [, rule = ""] of text.matchAll(/["`'](2\.\d) /g)) add(rule, path);
  }
  return named;
}

Deno.test("the document has rules, each once, and in order", async () => {
  const rules = await readRules();
  assert(rules.length > 60, `${rules.length} rules were found`);
  const places = rules.map((rule) => rule.split(".").map(Number)).map(([section = 0, rule = 0]) =>
    section * 100 + rule
  );
  // Section 2 goes on with 2.8 after the answers of a handshake.
  assertEquals([...new Set(places)].sort((a, b) => a - b), places);
});

Deno.test("every rule has a test that is named with its number", async () => {
  const named = await readNamed();
  const without = (await readRules()).filter((rule) => !named.has(rule));
  assertEquals(without, []);
});

Deno.test("every test of the protocol is named with a rule that there is", async () => {
  const rules = new Set(await readRules());
  const unknown = [...await readNamed()].filter(([rule]) => !rules.has(rule));
  assertEquals(unknown, []);
});
