/** `realtime-edge add endpoint`: what it writes compiles beside what init wrote. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { endpointSource, roomSource } from "../../../packages/cli/src/commands/endpoint_sources.ts";
import { copyFunction } from "../../support/function_copy.ts";
import { inProject, type TestProject } from "./in_project.ts";

const FUNCTION = "supabase/functions/realtime";
const APP = `import { realtime } from "@realtime-edge/server";
import { authenticate } from "./middleware/auth.ts";
import { echo } from "./routes/echo.ts";

/** Every endpoint on one line. */
export const app = realtime({ authenticate })
  .route("/echo", echo);

export type App = typeof app;
`;

function withApp(text: string, use: (project: TestProject) => Promise<void>): Promise<void> {
  return inProject({
    "supabase/config.toml": "",
    [`${FUNCTION}/deno.json`]:
      '{ "imports": { "@realtime-edge/server": "../_shared/realtime-edge/mod.js" } }',
    [`${FUNCTION}/app.ts`]: text,
  }, use);
}

Deno.test("an endpoint is a route file, an import and a line", async () => {
  await withApp(APP, async ({ run, files }) => {
    const { code, out } = await run("add", "endpoint", "poll-votes");
    assertEquals(code, 0);
    assertStringIncludes(out, "The address: /realtime/poll-votes");
    const after = await files();
    assertStringIncludes(
      after.get(`${FUNCTION}/routes/poll_votes.ts`) ?? "",
      "export const pollVotes = endpoint()",
    );
    assertEquals(
      after.get(`${FUNCTION}/app.ts`),
      APP.replace('echo.ts";\n', 'echo.ts";\nimport { pollVotes } from "./routes/poll_votes.ts";\n')
        .replace('("/echo", echo);', '("/echo", echo)\n  .route("/poll-votes", pollVotes);'),
    );
  });
});

Deno.test("line ends of Windows stay, and a dry run writes nothing", async () => {
  await withApp(APP.replaceAll("\n", "\r\n"), async ({ run, files }) => {
    const before = await files();
    assertEquals((await run("add", "endpoint", "desks", "--room", "--dry-run")).code, 0);
    assertEquals(await files(), before);
    assertEquals((await run("add", "endpoint", "desks", "--room")).code, 0);
    const app = (await files()).get(`${FUNCTION}/app.ts`) ?? "";
    assertEquals(app.replaceAll("\r\n", "").includes("\n"), false);
    assertStringIncludes(app, '\r\n  .route("/desks", desks);');
  });
});

Deno.test("what cannot be added is refused, and nothing is written", async () => {
  const refusals: [string, string[], number, string][] = [
    [APP, ["echo"], 1, "an endpoint /echo already"],
    [APP, ["health"], 2, "an address of the engine"],
    [APP, ["Big"], 2, "no endpoint's name"],
    [APP, [], 2, "add endpoint NAME"],
    [APP, ["a", "b"], 2, "add endpoint NAME"],
    ["export const app = other;\n", ["desks"], 1, "Add by hand: import { desks }"],
  ];
  for (const [app, args, exitCode, says] of refusals) {
    await withApp(app, async ({ run, files }) => {
      const before = await files();
      const { code, err } = await run("add", "endpoint", ...args);
      assertEquals(code, exitCode, err);
      assertStringIncludes(err, says);
      assertEquals(await files(), before);
    });
  }
});

Deno.test("what is added compiles", async () => {
  for (const source of [endpointSource, roomSource]) {
    await using copy = await copyFunction();
    await copy.addEndpoint({
      name: "boards",
      code: source("boards", "boards"),
      line: '.route("/boards", boards)',
    });
    assertEquals(await copy.check("app.ts"), "");
  }
});

Deno.test("with several functions the command asks which", async () => {
  await withApp(APP, async ({ run, write }) => {
    await write("supabase/functions/live/deno.json", '{"imports":{"@realtime-edge/server":"x"}}');
    const { code, err } = await run("add", "endpoint", "desks");
    assertEquals(code, 1);
    assert(err.includes("--name: live, realtime"), err);
    assertEquals((await run("add", "endpoint", "desks", "--name", "realtime")).code, 0);
  });
});
