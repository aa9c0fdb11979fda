/**
 * `realtime-edge init` from its tarball, in a project that the real Supabase CLI made: added to,
 * type-checked, migrated, deployed, and run from exactly what was uploaded.
 */
import { join } from "node:path";
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { createIssuer } from "../../../packages/cli/dev/issuer.ts";
import { createTestDatabase } from "../../../tools/support/postgres/database.ts";
import { isWithoutPostgres } from "../../../tools/support/postgres/server.ts";
import { SocketClient } from "../../../tools/support/wire/socket_client.ts";
import { installPackedCli } from "../../support/adopter/packed_cli.ts";
import { createSupabaseProject, OWN_MIGRATIONS } from "../../support/adopter/supabase_project.ts";
import { readCodeBlock } from "../../support/code_blocks.ts";
import { startDeployed } from "../../support/deploy/deployed_function.ts";
import { startManagementApi } from "../../support/deploy/management_api.ts";
import { locateDeno, run } from "../../support/deploy/npm_tool.ts";
import { deployWithCli, runSupabaseCli } from "../../support/deploy/supabase_cli.ts";
import { HOSTED_DENO_VERSION, unpackUpload } from "../../support/deploy/unpacked_upload.ts";

const FUNCTION = "supabase/functions/realtime";
const CHECK_MS = 120_000;

Deno.test("an existing project gets rooms with one command, and keeps everything else", {
  sanitizeOps: false,
  sanitizeResources: false,
}, async (t) => {
  await using cli = await installPackedCli();
  await using project = await createSupabaseProject();
  const { root, home, workspace } = project;
  const before = await project.snapshot();
  let checkCommand: string[] = [];
  await using database = isWithoutPostgres ? undefined : await createTestDatabase({ isMigrated: false });
  const push = () =>
    runSupabaseCli({ args: ["db", "push", `--remote=${database?.url}`, "--yes"], cwd: root, home });
  if (database) await push();

  await t.step("a dry run names every file and writes none", async () => {
    const { code, stdout } = await cli.run(root, ["init", "--dry-run"]);
    assertEquals(code, 0);
    assertStringIncludes(stdout, `would create ${FUNCTION}/app.ts`);
    assertEquals(await project.snapshot(), before);
  });

  await t.step(
    "init writes the function, the engine, the migrations and one table of config.toml",
    async () => {
      const { code, stdout, stderr } = await cli.run(root, ["init"]);
      assertEquals([code, stderr], [0, ""]);
      checkCommand = stdout.match(/^ +(npx -y deno@2\.9\.6 check .*)$/m)?.[1]?.split(" ") ?? [];
      for (const next of ["deno@2.9.6 check", "db push", "functions deploy realtime --use-api"]) {
        assertStringIncludes(stdout, next);
      }
      const after = await project.snapshot();
      for (const [path, text] of before) {
        if (path !== "supabase/config.toml") assertEquals(after.get(path), text, path);
      }
      const config = before.get("supabase/config.toml") ?? "";
      assertEquals(
        after.get("supabase/config.toml"),
        `${config}\n[functions.realtime]\n` +
          "# Browsers cannot set headers on a WebSocket: the function verifies the token itself.\n" +
          "verify_jwt = false\n",
      );
      const added = [...after.keys()].filter((path) => !before.has(path));
      const own = added.filter((path) => path.startsWith(`${FUNCTION}/`));
      assertEquals(own.map((path) => path.slice(FUNCTION.length + 1)), [
        "app.ts",
        "deno.json",
        "index.ts",
        "middleware/auth.ts",
        "routes/echo.ts",
        "routes/rooms.ts",
      ]);
      const vendored = added.filter((path) => path.includes("/_shared/realtime-edge/"));
      const lines = (paths: readonly string[]) =>
        paths.reduce((sum, path) => sum + (after.get(path) ?? "").split("\n").length - 1, 0);
      assertLess(own.length, 13);
      assertLess(lines(own), 400);
      assertLess(vendored.length, 20);
      console.log(
        `theirs: ${own.length} files, ${lines(own)} lines; vendored: ${vendored.length} files, ${
          lines(vendored)
        } lines; ` +
          `migrations: ${added.length - own.length - vendored.length} files`,
      );
    },
  );

  await t.step("init again changes nothing", async () => {
    const after = await project.snapshot();
    const { code, stdout } = await cli.run(root, ["init", "--json"]);
    const report = JSON.parse(stdout);
    assertEquals([code, report.ok], [0, true]);
    assertEquals(report.changes.filter(({ kind }: { kind: string }) => kind !== "unchanged"), []);
    assertEquals(await project.snapshot(), after);
  });

  await t.step({
    name: "db push applies what init added, after the project's earlier and later migrations",
    ignore: isWithoutPostgres,
    fn: async () => {
      assert(database);
      const output = await push();
      const applied = output.flatMap((line) => line.match(/^Applying migration (\S+?)\.\.\.$/)?.[1] ?? []);
      const engine = [...await project.snapshot()].flatMap(([path]) =>
        path.match(/migrations\/(.*_realtime_edge_.*)/)?.[1] ?? []
      );
      assertEquals(applied, engine);
      const versions = await database
        .sql`select version from supabase_migrations.schema_migrations order by version`;
      assertEquals(versions.length, Object.keys(OWN_MIGRATIONS).length + engine.length);
      const [row] = await database.sql`select rooms.schema_version() as version`;
      assert(row);
    },
  });

  const endpoint = await readCodeBlock("README.md", ({ code }) => code.includes("export const boards"));
  await project.write(`${FUNCTION}/routes/boards.ts`, endpoint);
  const line = await readCodeBlock("README.md", ({ code }) => code.startsWith('.route("/boards"'));
  const app = await project.read(`${FUNCTION}/app.ts`);
  await project.write(
    `${FUNCTION}/app.ts`,
    'import { boards } from "./routes/boards.ts";\n' +
      app.replace('.route("/rooms", rooms)', `$&\n  ${line.trim()}`),
  );

  await t.step("the function type-checks on both versions of Deno, as the next step says", async () => {
    for (const version of ["2.9.6", HOSTED_DENO_VERSION]) {
      const { code, stdout, stderr } = await run(await locateDeno(version), {
        args: checkCommand.slice(3),
        cwd: root,
        env: { DENO_TLS_CA_STORE: "system", NO_COLOR: "1" },
        timeoutMs: CHECK_MS,
      });
      assertEquals(code, 0, `${version}: ${stdout}${stderr}`);
    }
  });

  await using api = startManagementApi();
  const output = await deployWithCli({ functionName: "realtime", projectDirectory: root, home, api });
  const [deployment] = api.deployments;
  assert(deployment);

  await t.step("the CLI uploads the function and the engine without a warning, and no token check", () => {
    assertEquals(output.filter((line) => line.includes("WARN")), []);
    assertEquals(deployment.metadata.verifyJwt, false);
    const bytes = [...deployment.files.values()].reduce((sum, file) => sum + file.length, 0);
    console.log(`uploaded: ${bytes} bytes in ${deployment.files.size} files`);
    assertLess(bytes, 1_000_000);
    assertLess(deployment.files.size, 20);
  });

  await t.step(`exactly what was uploaded answers on Deno ${HOSTED_DENO_VERSION}`, async () => {
    const upload = await unpackUpload(deployment, join(workspace, "upload"));
    const issuer = await createIssuer();
    await using deployed = await startDeployed(upload, {
      SUPABASE_URL: "http://127.0.0.1:9",
      SUPABASE_JWKS: JSON.stringify(issuer.jwks),
    });
    const token = await issuer.token("alice");
    const open = (path: string) =>
      SocketClient.open(`${deployed.origin.replace("http", "ws")}/realtime${path}?token=${token}`);
    {
      await using echo = await open("/echo");
      echo.send("x");
      assertEquals(await echo.next(), "Echo: x");
    }
    {
      await using room = await open("/rooms/lobby");
      room.send(JSON.stringify({ type: "publish", id: "1", event: "chat", data: "hello" }));
      const types: unknown[] = [];
      while (!types.includes("ack")) types.push(JSON.parse(String(await room.next())).type);
      assertEquals(types, ["welcome", "presence", "message", "ack"]);
    }
    {
      await using board = await open("/boards/chess");
      assertEquals(JSON.parse(String(await board.next())), { board: "chess", player: "alice" });
      board.send(JSON.stringify({ piece: "queen", x: 8, y: 4 }));
      assertEquals(JSON.parse(String(await board.next())).field, "x");
    }
    const document = await fetch(`${deployed.origin}/realtime/openapi.json`);
    assertStringIncludes(await document.text(), "/boards/{board}");
    assertEquals((await deployed.stop()).filter((line) => !line.includes('"level":"info"')), []);
  });
});
