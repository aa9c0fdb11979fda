import { listFiles } from "../../tools/support/list_files.ts";

const FUNCTION = new URL("../../supabase/functions/realtime/", import.meta.url);

/** A copy of the function in a temporary folder, to be changed. `await using` removes it. */
export interface FunctionCopy extends AsyncDisposable {
  readonly index: URL;
  readonly importMap: URL;
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  /** Adds an endpoint as the docs say: a file in routes/, and its line and import in app.ts. */
  addEndpoint(
    endpoint: { readonly name: string; readonly code: string; readonly line: string },
  ): Promise<void>;
  /** Type checks a file of the copy; returns the compiler's output, empty when it has no complaint. */
  check(path: string): Promise<string>;
}

/** Copies the function as it stands, with the engine where it is. */
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
      // The function is the user's: it may have this endpoint already.
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

/** The function's imports, as they are from any other folder. */
export function absoluteImports(imports: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(imports).map(([name, target]) => [
      name,
      target.startsWith(".") ? new URL(target, FUNCTION).href : target,
    ]),
  );
}
