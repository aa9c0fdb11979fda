const CLIENT = new URL("../../packages/client/", import.meta.url);
const PACKAGE = "@realtime-edge/client";

/** Variables that a page's code may use: an address, a token, supabase-js, a live room. */
const GIVEN = `
import type { Room } from "${PACKAGE}";

/** Variables of the code around the block. */
export interface Given {
  readonly url: string;
  readonly token: () => Promise<string>;
  readonly accessToken: (refresh: boolean) => Promise<string>;
  readonly supabase: { readonly auth: { getSession(): Promise<Session>; refreshSession(): Promise<Session> } };
  readonly room: Room<{ chat: { text: string } }>;
}
interface Session {
  readonly data: { readonly session: { readonly access_token: string } | null };
  readonly error: Error | null;
}
`;

/** Runs one block after the other, each with its own room, while another room publishes. */
const MAIN = `
import { connect } from "${PACKAGE}";
import type { Given } from "./given.ts";

const [url = "", text = "", ...paths] = Deno.args;
const token = () => Promise.resolve(text);
const session = { data: { session: { access_token: text } }, error: null };
const auth = { getSession: () => Promise.resolve(session), refreshSession: () => Promise.resolve(session) };
const other = connect<{ chat: { text: string } }>(url, { token });
for (const path of paths) {
  const room = connect<{ chat: { text: string } }>(url, { token });
  const given: Given = { url, token, accessToken: token, supabase: { auth }, room };
  const talking = setInterval(() => void other.publish("chat", { text: "something" }), 20);
  try {
    await (await import(path)).run(given);
  } finally {
    clearInterval(talking);
    await room.close();
  }
}
// The blocks do not close what they open.
Deno.exit(0);
`;

/** The ts blocks of a page, as modules in a temporary folder. `await using` removes it. */
export class DocumentedCode implements AsyncDisposable {
  readonly #folder: URL;
  readonly #blocks: string[] = [];

  private constructor(folder: URL) {
    this.#folder = folder;
  }

  static async create(): Promise<DocumentedCode> {
    const code = new DocumentedCode(new URL(`file://${await Deno.makeTempDir()}/`));
    const react = "npm:@types/react@19.3.0";
    await code.write(
      "deno.json",
      JSON.stringify({
        imports: {
          [PACKAGE]: new URL("mod.ts", CLIENT).href,
          [`${PACKAGE}/react`]: new URL("react.ts", CLIENT).href,
          [`${PACKAGE}/indexed-db`]: new URL("indexed_db.ts", CLIENT).href,
          [`${PACKAGE}/cursors`]: new URL("cursors.ts", CLIENT).href,
          "react": "npm:react@19.3.1",
          "react/jsx-runtime": `${react}/jsx-runtime`,
          "@types/react": react,
        },
        compilerOptions: { jsx: "react-jsx", jsxImportSource: "react", strict: true },
      }),
    );
    await code.write("given.ts", GIVEN);
    await code.write("main.ts", MAIN);
    return code;
  }

  /** Adds a block: what it does not define it is given. */
  async add(block: string): Promise<void> {
    const imports = block.match(/^import .*;$/gm) ?? [];
    const body = block.replace(/^import .*;$/gm, "");
    const names = ["url", "token", "accessToken", "supabase", "room"].filter((name) =>
      !new RegExp(`^(const|let) ${name}\\b`, "m").test(body)
    );
    const path = `block_${this.#blocks.length + 1}.ts`;
    this.#blocks.push(path);
    await this.write(
      path,
      [
        ...imports,
        'import type { Given } from "./given.ts";',
        `export async function run({ ${names.join(", ")} }: Given): Promise<void> {`,
        body,
        "}",
      ].join("\n"),
    );
  }

  async write(path: string, text: string): Promise<void> {
    await Deno.writeTextFile(new URL(path, this.#folder), text);
  }

  /** Type checks a file, or all blocks; returns what the compiler said, empty when nothing. */
  async check(path: string = "main.ts"): Promise<string> {
    const paths = path === "main.ts" ? [path, ...this.#blocks] : [path];
    const { success, output } = await this.#deno(["check", "--no-lock", ...paths]);
    return success ? "" : output;
  }

  /** Runs the blocks one after the other and returns their output. @throws {Error} if one fails */
  async run({ url, token }: { readonly url: string; readonly token: string }): Promise<string> {
    const blocks = this.#blocks.map((path) => `./${path}`);
    const { success, output } = await this.#deno([
      "run",
      "-A",
      "--no-lock",
      "--no-check",
      "main.ts",
      url,
      token,
      ...blocks,
    ]);
    if (!success) throw new Error(`The page's code failed:\n${output}`);
    return output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #deno(args: readonly string[]): Promise<{ success: boolean; output: string }> {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...args],
      cwd: this.#folder,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    return { success, output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  }
}
