/** Questions of the command: asked on a terminal only, and never waited for without one. */
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeJwt } from "jose";
import { nameOfDevUser } from "../../../packages/cli/dev/dev_user.ts";
import { installPackedCli } from "../../support/adopter/packed_cli.ts";
import { run } from "../../support/deploy/npm_tool.ts";
import { inProject } from "./in_project.ts";

const COMMAND_MS = 60_000;
const ENGINE_IMPORT = '{"imports":{"@realtime-edge/server":"../_shared/realtime-edge/mod.js"}}';
const APP = `import { echo } from "./routes/echo.ts";
export const app = realtime({ authenticate })
  .route("/echo", echo);
`;
const TWO_FUNCTIONS = {
  "supabase/config.toml": "",
  "supabase/functions/live/deno.json": ENGINE_IMPORT,
  "supabase/functions/live/app.ts": APP,
  "supabase/functions/realtime/deno.json": ENGINE_IMPORT,
  "supabase/functions/realtime/app.ts": APP,
};

Deno.test("init asks for the function's name, and an empty answer is `realtime`", async () => {
  for (const [answer, name] of [["live", "live"], ["", "realtime"]] as const) {
    await inProject({ "supabase/config.toml": "" }, async ({ runAsked, files }) => {
      const { code, out } = await runAsked([answer], "init");
      assertEquals(code, 0);
      assertStringIncludes(out, "Name of the function");
      assert((await files()).has(`supabase/functions/${name}/app.ts`));
    });
  }
});

Deno.test("what the command line says is not asked, and --json asks nothing", async () => {
  await inProject({ "supabase/config.toml": "" }, async ({ runAsked }) => {
    assert(!(await runAsked(["other"], "init", "--name", "live")).out.includes("Name of the function"));
    assertEquals(JSON.parse((await runAsked(["other"], "init", "--json")).out).ok, true);
    assertEquals((await runAsked(["alice"], "token", "--json")).code, 2);
  });
});

Deno.test("add asks which function, which name, and whether it has rooms", async () => {
  await inProject(TWO_FUNCTIONS, async ({ runAsked, files }) => {
    const { code, out, err } = await runAsked(["realtime", "desks", "rooms"], "add", "endpoint");
    assertEquals([code, err], [0, ""]);
    assertStringIncludes(out, "Which function: live, realtime?");
    const source = (await files()).get("supabase/functions/realtime/routes/desks.ts") ?? "";
    assertStringIncludes(source, "roomEndpoint(");
    const wrong = await runAsked(["live", "polls", "chat"], "add", "endpoint");
    assertEquals([wrong.code, (await files()).has("supabase/functions/live/routes/polls.ts")], [2, false]);
    assertStringIncludes(wrong.err, "Answer socket or rooms");
  });
});

/**
 * Runs a command on a terminal of its own, and answers each question with the next answer; `\x04`
 * ends the input.
 */
const ON_TERMINAL = `
import os, pty, re, sys
answers, command = sys.argv[1].split("|"), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
seen = b""
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:
        break
    sys.stdout.buffer.write(chunk)
    seen += chunk
    if answers and re.search(rb": (\\x1b\\[\\d*[A-Z])*$", seen):
        answer, seen = answers.pop(0), b""
        os.write(terminal, answer.encode() if answer == "\\x04" else answer.encode() + b"\\r")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

Deno.test("the packed command asks on a terminal, and without one says what is missing", async () => {
  await using cli = await installPackedCli();
  const command = join(cli.packageFolder, "..", ".bin", "realtime-edge");
  await inProject({ "supabase/config.toml": "" }, async ({ root, files }) => {
    const onTerminal = (answers: string, ...args: string[]) =>
      run("python3", {
        args: ["-c", ON_TERMINAL, answers, command, ...args],
        cwd: root,
        timeoutMs: COMMAND_MS,
      });
    /** Neither a terminal nor any input. */
    const detached = (...args: string[]) =>
      run("sh", { args: ["-c", 'exec "$0" "$@" <&-', command, ...args], cwd: root, timeoutMs: COMMAND_MS });

    const ended = await onTerminal("\x04", "init");
    assertEquals(ended.code, 1);
    assertStringIncludes(ended.stdout, "There was no answer. Nothing was changed.");
    assertEquals([...(await files()).keys()], ["supabase/config.toml"]);

    const first = await onTerminal("live", "init");
    assertEquals(first.code, 0, first.stdout);
    assert((await files()).has("supabase/functions/live/app.ts"));
    const asked = await onTerminal("carol", "token");
    const token = /eyJ\S+/.exec(asked.stdout)?.[0] ?? "";
    assertEquals(nameOfDevUser(decodeJwt(token).sub ?? ""), "carol");

    assertEquals((await detached("init")).code, 0);
    assert((await files()).has("supabase/functions/realtime/app.ts"));
    assertEquals((await detached("upgrade")).code, 0);
    const refusals: [string[], string][] = [
      [["token"], "Missing --user."],
      [["add", "endpoint"], "add endpoint NAME"],
      [["add", "endpoint", "desks"], "--name: live, realtime"],
      [["dev"], "--name: live, realtime"],
    ];
    for (const [args, says] of refusals) {
      const { code, stderr } = await detached(...args);
      assert(code !== 0);
      assertStringIncludes(stderr, says);
    }
  });
});
