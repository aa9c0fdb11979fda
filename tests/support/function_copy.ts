import { listFiles } from "../../tools/support/list_files.ts";

const FUNCTION = new URL("../../supabase/functions/realtime/", import.meta.url);

/** A copy of the function in a temporary folder, to be changed. `await using` removes it. */
export interface FunctionCopy extends AsyncDisposable {
  readonly index: URL;
  readonly importMap: URL;
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  /** Type checks a file of the copy; returns what the compiler said, empty when nothing. */
  check(path: string): Promise<string>;
}

/** Copies the function as it stands. */
export async function copyFunction(): Promise<FunctionCopy> {
  const folder = new URL(`file://${await Deno.makeTempDir()}/`);
  await copyFolder(FUNCTION, folder);
  const importMap = new URL("deno.json", folder);
  return {
    index: new URL("index.ts", folder),
    importMap,
    read: (path) => Deno.readTextFile(new URL(path, folder)),
    write: (path, text) => Deno.writeTextFile(new URL(path, folder), text),
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

async function copyFolder(from: URL, to: URL): Promise<void> {
  for (const path of await listFiles(from, "")) {
    const target = new URL(path, to);
    await Deno.mkdir(new URL(".", target), { recursive: true });
    await Deno.copyFile(new URL(path, from), target);
  }
}
