/** `deno task bench` as a process: its options are those of docs/bench.md, and it saves when asked. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { projectCommand } from "../../tools/support/processes/deno_command.ts";

const PROJECT = new URL("../../", import.meta.url);

async function run(
  program: string,
  options: Deno.CommandOptions,
): Promise<[code: number, text: string, error: string]> {
  const { code, stdout, stderr } = await new Deno.Command(program, { ...options, cwd: PROJECT }).output();
  const decoder = new TextDecoder();
  return [code, decoder.decode(stdout), decoder.decode(stderr)];
}

function bench(...options: readonly string[]): ReturnType<typeof run> {
  const { path, args, env } = projectCommand(new URL("tools/bench/main.ts", PROJECT), options);
  return run(path, { args: [...args], env: { ...env }, clearEnv: true });
}

/** Changes of files that Git knows. */
function changes(): ReturnType<typeof run> {
  return run("git", { args: ["diff", "HEAD"] });
}

Deno.test({
  name: "a run without --save prints its figures, and changes no tracked file",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const before = await changes();
    const args = ["--only", "boot", "--rounds", "1", "--peers", "targets", "--deno", Deno.version.deno];
    const [code, table, progress] = await bench(...args);
    assertEquals(code, 0, progress);
    assertStringIncludes(table, `| boot | ${Deno.version.deno} | CPU to first member, ms |`);
    assertEquals(await changes(), before);
  },
});

Deno.test("an unknown option is named before the usage, whose cases are those of the page", async () => {
  const [code, table, error] = await bench("--round", "1");
  assertEquals([code, table], [2, ""]);
  assertStringIncludes(error, "Unknown option '--round'");
  const [, cases] = /--only (\S+)\n/.exec(error) ?? [];
  const page = await Deno.readTextFile(new URL("docs/bench.md", PROJECT));
  const [, rows = ""] = page.split("| --- | --- | --- | --- |\n");
  const documented = [...rows.matchAll(/^\| ([a-z]+)/gm)].map(([, name]) => name);
  assertEquals(cases?.split(","), [...new Set(documented)]);
});

Deno.test("a directory that cannot be made for the results ends the bench before it measures", async () => {
  const [code, table, error] = await bench("--save", "deno.json/results", "--only", "boot", "--rounds", "1");
  assertEquals([code, table], [2, ""]);
  assertStringIncludes(error, "deno.json/results");
});
