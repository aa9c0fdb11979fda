/**
 * Checks that each numbered rule of docs/protocol.md has a test, and that tests name existing rules
 * only.
 */
import { assert, assertEquals } from "@std/assert";
import { listFiles } from "../../tools/support/list_files.ts";

const TESTS = new URL("../", import.meta.url);

/** Reads the rules of the document: `- **5.3** …`. */
async function readRules(): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("../docs/protocol.md", TESTS));
  return [...text.matchAll(/^- \*\*(\d+\.\d+)\*\* /gm)].map(([, rule = ""]) => rule);
}

/** Reads the rules at the beginning of test names, with the tests' files. */
async function readNamed(): Promise<Map<string, string[]>> {
  const named = new Map<string, string[]>();
  const add = (rule: string, path: string) => named.set(rule, [...named.get(rule) ?? [], path]);
  for (const path of await listFiles(new URL("protocol/", TESTS), "_test.ts")) {
    const text = await Deno.readTextFile(new URL(`protocol/${path}`, TESTS));
    for (const [, rule = ""] of text.matchAll(/Deno\.test\(\s*["`'](\d+\.\d+) /g)) add(rule, path);
  }
  // Steps of the handshake are rules of section 2: `Handshake 3: …`, or `3: …` in a step.
  for (const path of ["http/handshake_test.ts", "http/handshake_upgrade_test.ts"]) {
    const text = await Deno.readTextFile(new URL(path, TESTS));
    for (const [, step = ""] of text.matchAll(/["`'](?:Handshake )?(\d): /g)) add(`2.${step}`, path);
    for (const [, rule = ""] of text.matchAll(/["`'](2\.\d) /g)) add(rule, path);
  }
  return named;
}

Deno.test("the document has rules, each once and in order", async () => {
  const rules = await readRules();
  assert(rules.length > 60, `found ${rules.length} rules`);
  const places = rules.map((rule) => rule.split(".").map(Number)).map(([section = 0, rule = 0]) =>
    section * 100 + rule
  );
  // Section 2 continues with 2.8 after the table of handshake answers.
  assertEquals([...new Set(places)].sort((a, b) => a - b), places);
});

Deno.test("every rule has a test whose name begins with its number", async () => {
  const named = await readNamed();
  const without = (await readRules()).filter((rule) => !named.has(rule));
  assertEquals(without, []);
});

Deno.test("every protocol test names an existing rule", async () => {
  const rules = new Set(await readRules());
  const unknown = [...await readNamed()].filter(([rule]) => !rules.has(rule));
  assertEquals(unknown, []);
});
