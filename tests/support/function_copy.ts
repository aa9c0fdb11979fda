import { listFiles } from "../../tools/support/list_files.ts";

const FUNCTION = new URL("../../supabase/functions/realtime/", import.meta.url);

/** Editable copy of the function in a temporary folder. `await using` removes it. */
export interface FunctionCopy extends AsyncDisposable {
  readonly index: URL;
  readonly importMap: URL;
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  /** Adds an endpoint as documented: a file in routes/, its route and its import in app.ts. */
  addEndpoint(
    endpoint: { readonly name: string; readonly code: string; readonly line: string },
  ): Promise<void>;
  /** Type checks a file of the copy; returns the compiler's errors, or an empty string. */
  check(path: string): Promise<string>;
}

/** Copies the function; its imports refer to the engine in the repository. */
export async function copyFunction(): Promise<FunctionCopy> {
  const folder = new URL(`file://${await Deno.makeTempDir()}/`);
  for (const path of await listFiles(FUNCTION, "")) {
    const target = new URL(path, folder);
    await Deno.mkdir(new URL(".", target), { recursive: true });
    await Deno.copyFile(new URL(path, FUNCTION), target);
  }
  const importMap = new URL("deno.json", folder);
  const { imports }: { imports: Record<string, string> } = JSON.parse(await Deno.readTextFile(importMap));
  await Deno.writeTextFile(importMap, JSON.stringify({ imports: absoluteImports(imports) }));
  const read = (path: string) => Deno.readTextFile(new URL(path, folder));
  const write = (path: string, text: string) => Deno.writeTextFile(new URL(path, folder), text);
  return {
    index: new URL("index.ts", folder),
    importMap,
    read,
    write,
    async addEndpoint({ name, code, line }) {
      await write(`routes/${name}.ts`, code);
      const app = await read("app.ts");
      // The function is the user's, and may already have this endpoint.
      if (app.includes(`/routes/${name}.ts"`)) return;
      const lastRoute = /( *\.route\([^\n]*\));\n/;
      if (!lastRoute.test(app)) throw new Error("app.ts has no last route.");
      const added = app.replace(lastRoute, `$1\n${line.trim()};\n`);
      await write("app.ts", `import { ${name} } from "./routes/${name}.ts";\n${added}`);
    },
    async check(path) {
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["check", "--no-config", "--no-lock", `--import-map=${importMap}`, new URL(path, folder).href],
        env: { NO_COLOR: "1" },
      }).output();
      return success ? "" : new TextDecoder().decode(stderr);
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Resolves the function's imports, so that they work from any folder. */
export function absoluteImports(imports: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(imports).map(([name, target]) => [
      name,
      target.startsWith(".") ? new URL(target, FUNCTION).href : target,
    ]),
  );
}
