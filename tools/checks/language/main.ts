/**
 * Keeps comments and docs in plain English (part of `deno task check`): counts what the style forbids, and ends with 1 above a
 * limit. `--list` prints every finding, `--folders` the counts by folder. The style: CONTRIBUTING.md.
 */
import { listFiles } from "../../support/list_files.ts";
import { commentsOf, proseOf, sentencesOf } from "./text.ts";

const ROOT = new URL("../../../", import.meta.url);
const CODE = ["packages", "supabase/functions", "tools", "tests"];
const DOCS = ["README.md", "packages/client/README.md", "docs/"];
/** Pages for contributors: their sentences count, their words do not. */
const PAGES = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "AGENTS.md"];

/** Comments and their sentences do not begin with these. */
const QUESTION = /^(Who|Whom|Whose|What|Whatever|Whoever|Whether|Where|How|When|Which|Those)\b/;

/** Words that meant something in this project only; docs/glossary.md has the standard terms. */
const PRIVATE = new RegExp(
  "\\b(" + [
    "untold|vouch(es|ed)?|witness(es)?|Gathering|PresenceNews|PresencePace|UsedRoom|LiveRoom|late_\\w+|Late(Rooms|Backplane)",
    "for company|farewells?|hurried|isInStep|(is|are|be) in step|pokes?|poked|upkeep|chores|wakefulness|surroundings",
    "member to be|who is there|looked? at again|goes? on as|anew|happenings?|ShakingSocket|ownFrame",
  ].join("|") + ")\\b",
);

/** Files that have to name what is forbidden. */
const EXEMPT: ReadonlySet<string> = new Set([
  "tools/checks/language/main.ts",
  "tests/checks/language_test.ts",
]);

/** A finding: the file, and what to look for. */
interface Finding {
  readonly file: string;
  readonly what: string;
}

const questions: Finding[] = [];
const wide: Finding[] = [];
const words: Finding[] = [];
const long: Finding[] = [];
let proseWords = 0;
const lengths: number[] = [];

for (const file of await filesOf(CODE, /\.(ts|mjs)$/)) {
  const source = await Deno.readTextFile(new URL(file, ROOT));
  for (const { line, lines, text } of commentsOf(source)) {
    for (const sentence of sentencesOf(text)) {
      if (QUESTION.test(sentence)) questions.push({ file, what: `${line} ${sentence}` });
    }
    lines.forEach((written, at) => {
      // Neither an address nor a table or code in an example can be wrapped.
      if (written.length <= 100 || /https?:|^\s*\* ?(\||```| {2,})|deno-lint/.test(written)) return;
      wide.push({ file, what: `${line + at}` });
    });
  }
  source.split("\n").forEach((written, at) => {
    const word = PRIVATE.exec(written)?.[0];
    if (word) words.push({ file, what: `${at + 1} ${word}` });
  });
}
for (const file of await filesOf([...DOCS, ...PAGES], /\.md$/)) {
  const text = await Deno.readTextFile(new URL(file, ROOT));
  if (!PAGES.includes(file)) proseWords += proseOf(text).split(/\s+/).length;
  for (const sentence of sentencesOf(proseOf(text))) {
    const length = sentence.split(" ").length;
    lengths.push(length);
    if (length > 35) long.push({ file, what: sentence });
  }
}

const average = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
const rules: readonly (readonly [name: string, limit: number, findings: readonly Finding[]])[] = [
  ["comment sentences that begin with a question word", 20, questions],
  ["comment lines over 100 columns", 20, wide],
  ["private words", 15, words],
  ["sentences of docs over 35 words", 25, long],
];
let isOver = average > 20 || proseWords > 21_000;
console.log(`average words of a sentence in docs: ${average.toFixed(1)} (limit 20)`);
console.log(`words of prose in docs: ${proseWords} (limit 21000)`);
for (const [name, limit, findings] of rules) {
  isOver ||= findings.length > limit;
  console.log(`${findings.length <= limit ? "ok  " : "OVER"} ${name}: ${findings.length} (limit ${limit})`);
  if (Deno.args.includes("--folders")) printFolders(findings);
  if (Deno.args.includes("--list")) {
    for (const { file, what } of findings) console.log(`  ${file}:${what}`);
  }
}
if (isOver) {
  console.error(
    "Comments or docs are over a limit. `deno run -A tools/checks/language/main.ts --list` names each place.",
  );
  Deno.exit(1);
}

/** Counts findings by the first three folders of their path. */
function printFolders(findings: readonly Finding[]): void {
  const byFolder = Map.groupBy(findings, ({ file }) => file.split("/").slice(0, -1).slice(0, 4).join("/"));
  for (const [folder, found] of [...byFolder].sort()) {
    console.log(`  ${String(found.length).padStart(5)} ${folder}`);
  }
}

async function filesOf(places: readonly string[], ending: RegExp): Promise<string[]> {
  const lists = await Promise.all(places.map(async (place) => {
    if (ending.test(place)) return [place];
    const folder = place.replace(/\/?$/, "/");
    return (await listFiles(new URL(folder, ROOT), "")).map((path) => folder + path);
  }));
  return lists.flat().filter((file) => ending.test(file) && !EXEMPT.has(file));
}
