/** Refusals of `realtime-edge init`: each says what to do, and leaves the project as it was. */
import { join } from "node:path";
import * as nodeFiles from "node:fs/promises";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CliError } from "../../../packages/cli/src/cli_error.ts";
import { applyChanges, type FileWriter, planChanges } from "../../../packages/cli/src/project/change_set.ts";
import { readFolder } from "../../../packages/cli/src/project/package_assets.ts";
import { inProject } from "./in_project.ts";

const CONFIG = "supabase/config.toml";
const PROJECT = { [CONFIG]: 'project_id = "shop"\n' };

/** Refusals: the project, the arguments, the exit code, and what the error says. */
const REFUSALS: readonly [string, Record<string, string>, string[], number, RegExp][] = [
  ["a folder without a Supabase project", {}, ["init"], 1, /no Supabase project.*supabase@\S+ init.*--dir/],
  [
    "a function of the name with other files",
    { ...PROJECT, "supabase/functions/realtime/app.ts": "mine\n" },
    ["init"],
    1,
    /named realtime exists already.*app\.ts.*--name.*--force/,
  ],
  [
    "a config.toml that cannot be parsed",
    { [CONFIG]: 'project_id = "shop"\n[auth\nenabled = true\n' },
    ["init"],
    1,
    /supabase\/config\.toml:2: .*Correct this line/,
  ],
  [
    "a table that is written inline",
    { [CONFIG]: "[functions]\nrealtime = { verify_jwt = true }\n" },
    ["init"],
    1,
    /functions\.realtime.*verify_jwt = false/,
  ],
  ["a name that is no function's", PROJECT, ["init", "--name", "_shared"], 2, /--name: "_shared"/],
  ["an option that does not exist", PROJECT, ["init", "--nmae", "x"], 2, /--nmae/],
  ["another argument", PROJECT, ["init", "here"], 2, /here/],
  ["a command that does not exist", PROJECT, ["innit"], 2, /no command "innit".*--help/],
  [
    "a file where a folder has to be",
    { ...PROJECT, "supabase/functions/_shared": "a file\n" },
    ["init"],
    1,
    /_shared.*is a file/,
  ],
  [
    "a folder where a file has to be",
    { ...PROJECT, "supabase/functions/realtime/app.ts/x": "a file\n" },
    ["init", "--force"],
    1,
    /app\.ts is a folder/,
  ],
  [
    "a vendored engine of another version",
    { ...PROJECT, "supabase/functions/_shared/realtime-edge/mod.js": "older\n" },
    ["init"],
    1,
    /another version.*upgrade/,
  ],
];

for (const [what, files, args, exitCode, says] of REFUSALS) {
  Deno.test(`init refuses ${what}`, async () => {
    await inProject(files, async ({ root, run }) => {
      const before = await readFolder(root);
      const { code, out, err } = await run(...args);
      assertEquals([code, out], [exitCode, ""]);
      assertMatch(err, says);
      assert(!err.includes("Unexpected:"), err);
      const json = await run(...args, "--json");
      const { ok, error } = JSON.parse(json.out);
      assertEquals([json.code, json.err, ok, error.message], [exitCode, "", false, err]);
      assertEquals(await readFolder(root), before);
    });
  });
}

Deno.test("a parse error names file and line as JSON too", async () => {
  await inProject({ [CONFIG]: "\n\nx =\n" }, async ({ run }) => {
    const { error } = JSON.parse((await run("init", "--json")).out);
    assertEquals([error.file, error.line], [CONFIG, 3]);
  });
});

Deno.test("--force overwrites the function's files and nothing else of the project", async () => {
  const mine = {
    ...PROJECT,
    "supabase/functions/realtime/app.ts": "mine\n",
    "supabase/functions/realtime/own.ts": "x\n",
  };
  await inProject(mine, async ({ root, run }) => {
    assertEquals((await run("init", "--force")).code, 0);
    const files = await readFolder(root);
    assertEquals(files.get("supabase/functions/realtime/app.ts"), "realtime({ authenticate })\n");
    assertEquals(files.get("supabase/functions/realtime/own.ts"), "x\n");
  });
});

Deno.test("another name is the function's folder, its table and its base path", async () => {
  await inProject(PROJECT, async ({ root, run }) => {
    assertEquals((await run("init", "--name", "live")).code, 0);
    const files = await readFolder(root);
    assertEquals(
      files.get("supabase/functions/live/app.ts"),
      'realtime({ basePath: "/live", authenticate })\n',
    );
    assertStringIncludes(files.get(CONFIG) ?? "", "[functions.live]\n");
  });
});

Deno.test("--dir takes the project's folder or supabase itself, from anywhere", async () => {
  for (const dir of ["", "/supabase"]) {
    await inProject(PROJECT, async ({ root, run }) => {
      assertEquals((await run("init", "--dir", root + dir)).code, 0);
      assert((await readFolder(root)).has("supabase/functions/realtime/app.ts"));
    });
  }
});

Deno.test("a failure at any step of writing leaves the project as it was", async () => {
  const wanted = [
    { path: "supabase/functions/realtime/app.ts", content: "new\n" },
    { path: "supabase/functions/realtime/old.ts", content: undefined },
    { path: "supabase/migrations/1_x.sql", content: "new\n" },
    { path: CONFIG, content: "new\n" },
  ];
  const files = { ...PROJECT, "supabase/functions/realtime/old.ts": "old\n" };
  for (let failing = 1;; failing++) {
    let finished = false;
    await inProject(files, async ({ root }) => {
      const before = await foldersAndFiles(root);
      const writer = failingWriter(failing);
      const changes = await planChanges(root, wanted);
      try {
        await applyChanges(root, changes, writer);
        finished = true;
      } catch (error) {
        assert(error instanceof CliError);
        assertStringIncludes(error.message, "nothing was changed");
        assertEquals(await foldersAndFiles(root), before, `after step ${failing}`);
      }
    });
    // Four folders, three files written and moved, one removed.
    if (finished) return assert(failing > 8, `only ${failing} steps`);
  }
});

Deno.test("a link stays a link: its target is written", async () => {
  await inProject({ "elsewhere.toml": "a = 1\n" }, async ({ root }) => {
    await nodeFiles.symlink(join(root, "elsewhere.toml"), join(root, "config.toml"));
    await applyChanges(root, await planChanges(root, [{ path: "config.toml", content: "b = 2\n" }]));
    assertEquals(await Deno.readTextFile(join(root, "elsewhere.toml")), "b = 2\n");
    assert((await Deno.lstat(join(root, "config.toml"))).isSymlink);
  });
});

Deno.test("a config.toml that is not UTF-8 is refused", async () => {
  await inProject(PROJECT, async ({ root, run }) => {
    await Deno.writeFile(join(root, CONFIG), new Uint8Array([0x61, 0x20, 0x3d, 0xff]));
    const { code, err } = await run("init");
    assertEquals(code, 1);
    assertStringIncludes(err, "is not UTF-8");
  });
});

/** Files with their text, and folders. */
async function foldersAndFiles(root: string): Promise<unknown> {
  const names = await nodeFiles.readdir(root, { recursive: true });
  return [names.sort(), await readFolder(root)];
}

/** Fails at the given write, counted from 1. */
function failingWriter(failing: number): FileWriter {
  let count = 0;
  const guarded =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) => async (...args: Args) => {
      if (++count === failing) throw new Error("no space left on device");
      return await call(...args);
    };
  return {
    mkdir: guarded(
      nodeFiles.mkdir as (...args: unknown[]) => Promise<string | undefined>,
    ) as FileWriter["mkdir"],
    rename: guarded(nodeFiles.rename),
    rm: guarded(nodeFiles.rm),
    writeFile: guarded(nodeFiles.writeFile),
  };
}

Deno.test("--version prints the package's version", async () => {
  await inProject({}, async ({ run }) => {
    assertEquals(await run("--version"), { code: 0, out: "0.1.0", err: "" });
  });
});
