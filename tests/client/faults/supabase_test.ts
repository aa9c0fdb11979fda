/**
 * The documents' token callbacks with supabase-js, while Auth is away for longer than the token is
 * valid: a failed refresh is tried again, and is no sign-out.
 */
import { assert, assertEquals } from "@std/assert";
import { ChildLines } from "../../../tools/support/processes/child_lines.ts";
import { projectCommand } from "../../../tools/support/processes/deno_command.ts";
import { parseJsonLine } from "../../../tools/support/processes/json_line.ts";
import { readCodeBlocks } from "../../support/code_blocks.ts";
import { type RunningServer, startServer } from "../../support/running_server.ts";

const PAGE = new URL("supabase_page.ts", import.meta.url);
const USER = "0198c9a1-5e3f-7cc1-9a53-0242ac120002";
const TOKEN_SECONDS = 3;
const PATIENCE_MS = 40_000;

/** Documents with a callback for supabase-js, and the names of their rooms. */
const DOCUMENTS = {
  readme: "README.md",
  client_readme: "packages/client/README.md",
  client_page: "docs/client.md",
} as const;

/** Writes each document's options as a module. Fails if a document has no such block, or several. */
async function writeCallbacks(folder: string): Promise<string[]> {
  return await Promise.all(
    Object.entries(DOCUMENTS).map(async ([name, document]) => {
      const blocks = (await readCodeBlocks(document)).filter(({ code }) => code.includes("supabase.auth."));
      assertEquals(blocks.length, 1, document);
      const [, token = ""] = blocks[0]?.code.match(/^ {2}(token: async (?:[^\n]*,$|[\s\S]*?^ {2}\},))/m) ??
        [];
      assert(token !== "", `${document} has no token callback`);
      const path = `${folder}/${name}.ts`;
      await Deno.writeTextFile(path, `export const createOptions = (supabase: any) => ({ ${token} });\n`);
      return path;
    }),
  );
}

/** Supabase Auth for one user: passwords, refreshes, sign-outs. */
class Auth implements AsyncDisposable {
  /** Answer to a refresh. */
  state: "well" | "away" | "refuses" = "well";
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(running: RunningServer) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async ({ url }) => {
      const { pathname } = new URL(url);
      if (this.state === "away") return new Response("Bad Gateway", { status: 502 });
      if (pathname === "/auth/v1/logout") return new Response(null, { status: 204 });
      if (this.state === "refuses") {
        return Response.json({ code: 400, error_code: "refresh_token_not_found", msg: "Not found" }, {
          status: 400,
        });
      }
      const exp = Math.floor(Date.now() / 1000) + TOKEN_SECONDS;
      return Response.json({
        access_token: await running.issuer.token(USER, { claims: { exp } }),
        token_type: "bearer",
        expires_in: TOKEN_SECONDS,
        refresh_token: crypto.randomUUID(),
        user: { id: USER, aud: "authenticated", role: "authenticated", email: "alice@example.com" },
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** The page, with Auth and the server that it uses. */
async function openPage(folder: string, running: RunningServer, auth: Auth): Promise<ChildLines> {
  const url = `${running.origin}/realtime/rooms/r`;
  const command = projectCommand(PAGE, [auth.url, url, ...await writeCallbacks(folder)]);
  return new ChildLines(command, { name: "The page", hasInput: true });
}

/** Waits until every room has shown this state, after line `from`. */
async function allShow(page: ChildLines, from: number, type: string, code?: string): Promise<void> {
  for (const name of Object.keys(DOCUMENTS)) {
    const showing = page.find((line) => {
      const state = parseJsonLine(line);
      const isNew = page.stdout.lastIndexOf(line) >= from;
      return isNew && state?.["room"] === name && state["type"] === type && state["code"] === code ||
        undefined;
    }, PATIENCE_MS);
    await showing.catch((cause: unknown) => {
      throw new Error(`${name} is not ${type}, ${code}:\n${page.stdout.slice(-15).join("\n")}`, { cause });
    });
  }
}

/** Codes of the rooms that have closed, by room. */
function closedRooms(page: ChildLines): unknown[] {
  return page.stdout.map(parseJsonLine).filter((state) => state?.["type"] === "closed")
    .map((state) => [state?.["room"], state?.["code"]]);
}

async function withPage(run: (page: ChildLines, auth: Auth) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await using running = await startServer({
      env: { AUTH_CLOCK_SKEW_SECONDS: "0", EXPIRY_WARNING_SECONDS: "1", EXPIRY_GRACE_SECONDS: "1" },
    });
    await using auth = new Auth(running);
    await using page = await openPage(folder, running, auth);
    await allShow(page, 0, "live");
    await run(page, auth);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Auth is away over the token's expiry: every documented callback waits, is live again, and ends at sign-out", async () => {
  await withPage(async (page, auth) => {
    auth.state = "away";
    const cut = page.stdout.length;
    await allShow(page, cut, "waiting", "token_failed");
    const back = page.stdout.length;
    auth.state = "well";
    await allShow(page, back, "live");
    assertEquals(closedRooms(page), []);
    await page.send("sign out");
    await allShow(page, back, "closed", "signed_out");
  });
});

Deno.test("a session that Auth has ended is signed out, with every documented callback", async () => {
  await withPage(async (page, auth) => {
    auth.state = "refuses";
    await allShow(page, 0, "closed", "signed_out");
  });
});
