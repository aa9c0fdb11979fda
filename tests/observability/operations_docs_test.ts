import { assert, assertEquals, assertMatch } from "@std/assert";
import { readCodeBlock } from "../support/code_blocks.ts";
import { startServer } from "../support/running_server.ts";
import { findInstalled } from "../../tools/support/installed.ts";
import { listFiles } from "../../tools/support/list_files.ts";

const curl = findInstalled({
  name: "curl",
  tests: "commands of docs/operations.md",
  hint: "Install curl 7.82 or later",
  places: ["/usr/bin/curl", "/opt/homebrew/bin/curl"],
});
const ROOT = new URL("../../", import.meta.url);
const SOURCE = new URL("packages/server/src/", ROOT);
const PAGE = await Deno.readTextFile(new URL("docs/operations.md", ROOT));

/** Names that a template makes, since its parts are types of events. */
const FROM_TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  "`backplane.${event.type}`": ["backplane.lost", "backplane.failed", "backplane.ignored"],
};
/** A line is put without the log's own limit. */
const PUT = ["log.left_out"];

/** Names of the events that the code logs, with their levels. */
async function eventsOfTheCode(): Promise<Set<string>> {
  const events = new Set(PUT.map((name) => `${name} warn`));
  for (const file of await listFiles(SOURCE, ".ts")) {
    const text = await Deno.readTextFile(new URL(file, SOURCE));
    const calls = text.matchAll(/log\.(debug|info|warn|error)\(\s*("[^"]+"|`[^`]+`)/g);
    for (const [, level = "", name = ""] of calls) {
      for (const event of FROM_TEMPLATES[name] ?? [name.slice(1, -1)]) events.add(`${event} ${level}`);
    }
  }
  return events;
}

Deno.test("docs/operations.md lists the events of the log, with the levels of the code", async () => {
  const section = PAGE.slice(PAGE.indexOf("## Read the log"), PAGE.indexOf("## Trace requests"));
  const documented = [...section.matchAll(/^\| `([\w.]+)` \| ([\w, ]+) \|/gm)]
    .flatMap(([, name, levels = ""]) => levels.split(", ").map((level) => `${name} ${level}`));
  const events = await eventsOfTheCode();
  assert(events.size > 20, "the code's calls of the log were not found");
  assertEquals(documented.toSorted(), [...events].sort());
});

Deno.test("the scrape configuration of docs/operations.md has the path and the header that answer", async () => {
  const secretKey = "sb_secret_of_the_scrape";
  await using running = await startServer({
    env: { SUPABASE_SECRET_KEYS: JSON.stringify({ default: secretKey }) },
  });
  const yaml = await readCodeBlock("docs/operations.md", ({ code }) => code.includes("scrape_configs"));
  const [, path] = yaml.match(/metrics_path: (\S+)/) ?? [];
  const [, type] = yaml.match(/authorization:\n\s+type: (\w+)/) ?? [];
  assertMatch(yaml, /credentials_file: \S+ # sb_secret_/);
  const response = await fetch(`${running.origin}${path}`, {
    headers: { authorization: `${type} ${secretKey}` },
  });
  assertEquals(response.status, 200);
  const text = await response.text();
  const queries = [...PAGE.matchAll(/realtime_[a-z_]+/g)].map(([name]) =>
    name.replace(/_(bucket|count)$/, "")
  );
  assert(queries.length > 4);
  for (const name of queries) {
    if (name !== "realtime_secret_key") assert(text.includes(`# TYPE ${name} `), name);
  }
});

Deno.test({
  name: "the commands for operators of docs/operations.md are accepted",
  ignore: curl.isMissing,
  fn: async () => {
    await using running = await startServer({
      env: { SUPABASE_SECRET_KEYS: JSON.stringify({ default: "sb_secret_local" }) },
    });
    const commands = await readCodeBlock("docs/operations.md", ({ code }) => code.includes("/kick"));
    const statusOnly = `curl() { command curl -s -o /dev/null -w '%{http_code} ' "$@"; }`;
    const here = commands.replace("http://127.0.0.1:8000", running.origin);
    const { stdout } = await new Deno.Command("sh", { args: ["-euc", `${statusOnly}\n${here}`] }).output();
    assertEquals(new TextDecoder().decode(stdout), "200 200 202 202 ");
  },
});
