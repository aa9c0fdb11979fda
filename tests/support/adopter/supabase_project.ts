import { join } from "node:path";
import { readFolder } from "../../../packages/cli/src/project/package_assets.ts";
import { runSupabaseCli } from "../deploy/supabase_cli.ts";

/** Migrations of the project: one before and one after those of the engine. */
export const OWN_MIGRATIONS: Readonly<Record<string, string>> = {
  "20240101000000_todos.sql": "create table public.todos (id bigint primary key);\n",
  // The project has a table of this name, which is not the engine's.
  "20991231235959_rooms.sql": "create table public.rooms (id bigint primary key);\n",
};

/** A Supabase project that somebody has worked on. */
export interface SupabaseProject extends AsyncDisposable {
  readonly root: string;
  /** Home directory of the CLI. */
  readonly home: string;
  /** Folder for anything else; removed with the project. */
  readonly workspace: string;
  /** Path of a file in the project. */
  path(file: string): string;
  read(file: string): Promise<string>;
  write(file: string, text: string): Promise<void>;
  /** Every file of the project with its text. */
  snapshot(): Promise<ReadonlyMap<string, string>>;
}

/** Makes a project with the real CLI: `supabase init`, a function, and two migrations. */
export async function createSupabaseProject(): Promise<SupabaseProject> {
  const workspace = await Deno.realPath(await Deno.makeTempDir({ prefix: "realtime-adopter-" }));
  const root = join(workspace, "shop");
  const home = join(workspace, "home");
  await Promise.all([Deno.mkdir(root), Deno.mkdir(home)]);
  const project: SupabaseProject = {
    root,
    home,
    workspace,
    path: (file) => join(root, file),
    read: (file) => Deno.readTextFile(join(root, file)),
    async write(file, text) {
      await Deno.mkdir(join(root, file, ".."), { recursive: true });
      await Deno.writeTextFile(join(root, file), text);
    },
    snapshot: () => readFolder(root),
    [Symbol.asyncDispose]: () => Deno.remove(workspace, { recursive: true }),
  };
  await runSupabaseCli({ args: ["init", "--yes"], cwd: root, home });
  await runSupabaseCli({ args: ["functions", "new", "hello"], cwd: root, home });
  // A web app's: with it Deno would look for packages in node_modules.
  await project.write("package.json", JSON.stringify({ name: "shop", dependencies: { react: "^19.0.0" } }));
  for (const [name, text] of Object.entries(OWN_MIGRATIONS)) {
    await project.write(`supabase/migrations/${name}`, text);
  }
  return project;
}
