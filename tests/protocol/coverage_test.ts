/** Every numbered rule of docs/protocol.md has a test whose name begins with its number, and no test names a rule that is none. */
import { assert, assertEquals } from "@std/assert";
import { listFiles } from "../../dev/list_files.ts";

const TESTS = new URL("../", import.meta.url);

/** Rules that are not the server's to keep, and why. */
const NOT_OURS: Readonly<Record<string, string>> = {
  "14.1": "what a client does after a close: the client has its own tests",
};

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
  for (const path of ["handshake_test.ts", "handshake_upgrade_test.ts"]) {
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
  const without = (await readRules()).filter((rule) => !named.has(rule) && !Object.hasOwn(NOT_OURS, rule));
  assertEquals(without, []);
});

Deno.test("every test of the protocol is named with a rule that there is", async () => {
  const rules = new Set(await readRules());
  const unknown = [...await readNamed()].filter(([rule]) => !rules.has(rule));
  assertEquals(unknown, []);
});

Deno.test("what is excepted from having a test is a rule, and has none", async () => {
  const rules = await readRules();
  const named = await readNamed();
  for (const rule of Object.keys(NOT_OURS)) assert(rules.includes(rule) && !named.has(rule), rule);
});
