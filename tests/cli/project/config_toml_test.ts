/** Edits of config.toml: one value or table, and every other byte as it was. */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { CliError } from "../../../packages/cli/src/cli_error.ts";
import {
  functionConfig,
  parseConfig,
  withoutVerifyJwt,
} from "../../../packages/cli/src/project/config_toml.ts";

const COMMENT = "# Browsers cannot set headers on a WebSocket: the function verifies the token itself.";
const table = (eol: string) => ["[functions.realtime]", COMMENT, "verify_jwt = false", ""].join(eol);

/** Edits: what it is about, the text before, and after. */
const EDITS: readonly [string, string, string][] = [
  ["an empty file", "", table("\n")],
  ["a file", "a = 1\n", `a = 1\n\n${table("\n")}`],
  ["a file without a last line end", "a = 1", `a = 1\n\n${table("\n")}`],
  ["line ends of Windows", "a = 1\r\nb = 2\r\n", `a = 1\r\nb = 2\r\n\r\n${table("\r\n")}`],
  ["a byte order mark", "\uFEFFa = 1\n", `\uFEFFa = 1\n\n${table("\n")}`],
  [
    "another function",
    "[functions.hello]\nverify_jwt = true\n",
    `[functions.hello]\nverify_jwt = true\n\n${table("\n")}`,
  ],
  [
    "the table with true",
    "[functions.realtime] # ours\n  verify_jwt=true # why\nimport_map = 'x'\n[a]\nverify_jwt = true\n",
    "[functions.realtime] # ours\n  verify_jwt=false # why\nimport_map = 'x'\n[a]\nverify_jwt = true\n",
  ],
  [
    "the table without the value",
    "[functions.realtime]\r\nenabled = true\r\n\r\n[a]\r\n",
    "[functions.realtime]\r\nverify_jwt = false\r\nenabled = true\r\n\r\n[a]\r\n",
  ],
  ["the table as the last line", "[functions.realtime]", "[functions.realtime]\nverify_jwt = false\n"],
  [
    "a quoted name",
    '[functions."realtime"]\nverify_jwt = true\n',
    '[functions."realtime"]\nverify_jwt = false\n',
  ],
  [
    "a table in a text of several lines",
    'a = """\n[functions.realtime]\nverify_jwt = true\n"""\n',
    `a = """\n[functions.realtime]\nverify_jwt = true\n"""\n\n${table("\n")}`,
  ],
  ["a table in a comment", "# [functions.realtime]\n", `# [functions.realtime]\n\n${table("\n")}`],
];

for (const [what, before, after] of EDITS) {
  Deno.test(`verify_jwt is turned off in ${what}`, () => {
    assertEquals(withoutVerifyJwt(before, "realtime"), after);
    assertEquals(functionConfig(parseConfig(after), "realtime"), { verifyJwt: false });
    assertEquals(withoutVerifyJwt(after, "realtime"), after);
  });
}

Deno.test("forms that only a person can edit are refused", () => {
  for (
    const text of [
      "[functions]\nrealtime = { verify_jwt = true }\n",
      "functions.realtime.verify_jwt = true\n",
      "functions = {}\n",
    ]
  ) assertThrows(() => withoutVerifyJwt(text, "realtime"), CliError, "verify_jwt = false");
});

Deno.test("an edit keeps every byte of any file that can be parsed", () => {
  const lines = fc.array(
    fc.constantFrom(
      "a = 1",
      "[b]",
      "# x",
      "",
      "c = ['y',",
      "]",
      '"""',
      "[functions.other]",
      "[functions.realtime]",
      "verify_jwt = true",
      's = """',
    ),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(lines, fc.constantFrom("\n", "\r\n"), fc.boolean(), (parts, eol, last) => {
      const text = parts.join(eol) + (last ? eol : "");
      let edited: string;
      try {
        edited = withoutVerifyJwt(text, "realtime");
      } catch (error) {
        if (error instanceof CliError) return;
        throw error;
      }
      assertEquals(functionConfig(parseConfig(edited), "realtime"), { verifyJwt: false });
      const isInserted = [...Array(text.length + 1).keys()].some((at) =>
        edited.startsWith(text.slice(0, at)) && edited.endsWith(text.slice(at)) &&
        edited.length >= text.length
      );
      const isReplaced = text.split("true").some((_, at, all) =>
        at > 0 && all.slice(0, at).join("true") + "false" + all.slice(at).join("true") === edited
      );
      assertEquals(isInserted || isReplaced, true, `${JSON.stringify(text)} → ${JSON.stringify(edited)}`);
    }),
    { numRuns: 2_000, seed: 21 },
  );
});
