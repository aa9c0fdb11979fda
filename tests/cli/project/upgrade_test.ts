/** `realtime-edge upgrade`: from a tarball to a later one, from a clone, and twice in a row. */
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readFolder } from "../../../packages/cli/src/project/package_assets.ts";
import { createAdoptedProject } from "../../support/adopter/adopted_project.ts";
import { installCli } from "../../support/adopter/packed_cli.ts";
import { runOrThrow } from "../../support/deploy/npm_tool.ts";
import { inProject } from "./in_project.ts";

const ENGINE = "supabase/functions/_shared/realtime-edge";
const FUNCTION = "supabase/functions/realtime";
const PACK_MS = 60_000;

Deno.test("a later tarball replaces the engine, and adds only what is missing", {
  sanitizeOps: false,
  sanitizeResources: false,
}, async (t) => {
  await using adopted = await createAdoptedProject();
  const { cli, project } = adopted;
  const { root, workspace } = project;
  await project.write(`${FUNCTION}/app.ts`, "// mine\n");
  await project.write(`${FUNCTION}/routes/mine.ts`, "// mine\n");
  const first = await project.snapshot();

  await t.step("the version that is there has nothing to do", async () => {
    const { code, stdout } = await cli.run(root, ["upgrade"]);
    assertEquals([code, stdout], [0, "Nothing to do: 0.1.0 is there.\n"]);
    assertEquals(await project.snapshot(), first);
  });

  const later = await fabricateLater(cli.packageFolder, join(workspace, "later"));
  await using next = await installCli(join(workspace, "later"), later);

  await t.step("init of a later version refuses, and names upgrade", async () => {
    const { code, stderr } = await next.run(root, ["init"]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "realtime-edge upgrade");
    assert(!stderr.includes("--force"), stderr);
    assertEquals(await project.snapshot(), first);
  });

  await t.step("a dry run writes nothing", async () => {
    assertStringIncludes(
      (await next.run(root, ["upgrade", "--dry-run"])).stdout,
      `would change ${ENGINE}/mod.js`,
    );
    assertEquals(await project.snapshot(), first);
  });

  await t.step(
    "upgrade replaces the engine and the pins, adds the new migration, shows the changelog",
    async () => {
      const { code, stdout, stderr } = await next.run(root, ["upgrade"]);
      assertEquals([code, stderr], [0, ""]);
      for (const shown of ["Upgraded from 0.1.0 to 0.2.0.", "## 0.2.0", "- A later thing.", "db push"]) {
        assertStringIncludes(stdout, shown);
      }
      assert(!stdout.includes("Unreleased"), stdout);
      const after = await project.snapshot();
      const changed = [...after.keys(), ...first.keys()].filter((path) =>
        after.get(path) !== first.get(path)
      );
      const migration = [...after.keys()].find((path) => path.endsWith("_realtime_edge_later.sql"));
      assertEquals([...new Set(changed)].sort(), [
        `${ENGINE}/README.md`,
        `${ENGINE}/added.js`,
        `${ENGINE}/mod.js`,
        `${ENGINE}/testing.js`,
        `${FUNCTION}/deno.json`,
        migration,
      ]);
      const migrations = [...after.keys()].filter((path) => path.startsWith("supabase/migrations/")).sort();
      assertEquals(migrations.at(-1), migration);
      assertEquals(after.get(`${ENGINE}/testing.js`), undefined);
      assertStringIncludes(after.get(`${FUNCTION}/deno.json`) ?? "", '"hono": "npm:hono@4.99.0"');
    },
  );

  await t.step("upgrade again changes nothing", async () => {
    const after = await project.snapshot();
    const report = JSON.parse((await next.run(root, ["upgrade", "--json"])).stdout);
    assertEquals(report.changes.filter(({ kind }: { kind: string }) => kind !== "unchanged"), []);
    assertEquals([report.from, report.to, report.news], ["0.2.0", "0.2.0", []]);
    assertEquals(await project.snapshot(), after);
  });

  await t.step("an older command does not take the engine back", async () => {
    const after = await project.snapshot();
    const { code, stderr } = await cli.run(root, ["upgrade"]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "holds 0.2.0, and this command is older: 0.1.0");
    assertEquals(await project.snapshot(), after);
  });
});

/** Makes a tarball of a later version out of the packed one. */
async function fabricateLater(packageFolder: string, folder: string): Promise<string> {
  const source = join(folder, "source");
  for (const [path, text] of await readFolder(packageFolder)) {
    const change = LATER[path];
    await Deno.mkdir(join(source, path, ".."), { recursive: true });
    await Deno.writeTextFile(join(source, path), change ? change(text) : text);
  }
  await Deno.remove(join(source, "engine/testing.js"));
  await Deno.writeTextFile(join(source, "engine/added.js"), "export {};\n");
  await Deno.writeTextFile(join(source, "migrations/20270101000000_later.sql"), "select 1;\n");
  await runOrThrow("npm", { args: ["pack", "--pack-destination", folder, source], timeoutMs: PACK_MS });
  return join(folder, "realtime-edge-0.2.0.tgz");
}

const LATER: Readonly<Record<string, (text: string) => string>> = {
  "package.json": (text) => text.replace('"version": "0.1.0"', '"version": "0.2.0"'),
  "engine/README.md": (text) => text.replace("0.1.0", "0.2.0"),
  "engine/mod.js": (text) => `${text}// later\n`,
  "template/deno.json": (text) => text.replace(/"npm:hono@[\d.]+"/, '"npm:hono@4.99.0"'),
  "CHANGELOG.md": (text) =>
    text.replace("## Unreleased", "## Unreleased\n\n## 0.2.0\n\n- A later thing.\n\n## 0.1.1\n"),
};

const USED = JSON.stringify(
  { imports: { "@realtime-edge/server": "../../../packages/server/mod.ts", "mine": "./x.ts" } },
  null,
  2,
);

Deno.test("a clone's source is replaced by the vendored engine, and what to delete is named", async () => {
  await inProject({
    "supabase/config.toml": "",
    [`${FUNCTION}/deno.json`]: USED,
    [`${FUNCTION}/app.ts`]: "// mine\n",
    "packages/server/mod.ts": "",
    "supabase/migrations/20261123000000_rooms.sql": "create schema if not exists rooms;\n",
  }, async ({ run, files }) => {
    const { code, out } = await run("upgrade");
    assertEquals(code, 0);
    for (const shown of ["Upgraded from a clone", "packages/server", "packages/protocol", "workspace"]) {
      assertStringIncludes(out, shown);
    }
    const after = await files();
    assert(after.has(`${ENGINE}/mod.js`));
    assertEquals(JSON.parse(after.get(`${FUNCTION}/deno.json`) ?? "").imports, {
      "hono": "npm:hono@4.13.19",
      "@realtime-edge/server": "../_shared/realtime-edge/mod.js",
      "mine": "./x.ts",
    });
    assertEquals(after.get(`${FUNCTION}/app.ts`), "// mine\n");
    assertEquals([...after.keys()].filter((path) => path.startsWith("supabase/migrations/")).length, 1);
  });
});

Deno.test("the layout of 0.1.0 is explained, with what to delete, and nothing is written", async () => {
  await inProject({
    "supabase/config.toml": "",
    [`${FUNCTION}/backplane/postgres.ts`]: "",
    [`${FUNCTION}/app.ts`]: "// mine\n",
  }, async ({ run, files }) => {
    const before = await files();
    const { code, err } = await run("upgrade");
    assertEquals(code, 1);
    for (
      const shown of ["0.1.0", "Delete supabase/functions/realtime", "Keep supabase/migrations", "CHANGELOG"]
    ) {
      assertStringIncludes(err, shown);
    }
    assertEquals(await files(), before);
  });
});

Deno.test("a project without the engine is told to run init", async () => {
  await inProject({ "supabase/config.toml": "" }, async ({ run }) => {
    const { code, err } = await run("upgrade");
    assertEquals(code, 1);
    assertStringIncludes(err, "realtime-edge init");
  });
});

Deno.test("a later version of a package is the project's choice, an edited engine is restored", async () => {
  await inProject({ "supabase/config.toml": "" }, async ({ run, files, write }) => {
    await run("init");
    const pinned = (await files()).get(`${FUNCTION}/deno.json`) ?? "";
    await write(`${FUNCTION}/deno.json`, pinned.replace("4.13.19", "4.14.0"));
    await write(`${ENGINE}/mod.js`, "edited\n");
    assertStringIncludes((await run("upgrade", "--dry-run")).out, "Would restore 0.1.0.");
    assertStringIncludes((await run("upgrade")).out, "Restored 0.1.0.");
    const after = await files();
    assertStringIncludes(after.get(`${FUNCTION}/deno.json`) ?? "", "4.14.0");
    assertEquals(after.get(`${ENGINE}/mod.js`), "export {};\n");
  });
});
