/**
 * docs/client.md: its code compiles and runs against a real server, and its tables match the code.
 */
import { assert, assertEquals } from "@std/assert";
import { readCodeBlock, readCodeBlocks } from "../support/code_blocks.ts";
import { copyFunction } from "../support/function_copy.ts";
import { startServer } from "../support/running_server.ts";
import { DocumentedCode } from "./documented_code.ts";

const PAGE = "docs/client.md";
const page = await Deno.readTextFile(new URL(`../../${PAGE}`, import.meta.url));
const blocks = (await readCodeBlocks(PAGE)).filter(({ language }) => language === "ts");
/** Blocks that are whole files of another project: tests/client/vite_test.ts compiles these. */
const isFile = ({ code }: { code: string }) => /^\/\/ (supabase|src)\//.test(code);
const isAboutTables = ({ code }: { code: string }) => code.includes("typeof tables");

Deno.test("the page's code compiles, runs to its end against a server, and does what it says", async () => {
  await using code = await DocumentedCode.create();
  for (const block of blocks.filter((block) => !isFile(block) && !isAboutTables(block))) {
    await code.add(block.code);
  }
  assertEquals(await code.check(), "");
  await using running = await startServer();
  const output = await code.run({
    url: `http://127.0.0.1:${running.port}/realtime/rooms/lobby`,
    token: await running.issuer.token("alice"),
  });
  for (
    const said of [
      "alice hello",
      "stored as ",
      "alice is here as ",
      "alice 1",
      "stored, and answered with its place",
    ]
  ) {
    assert(output.includes(said), `${said} was not printed:\n${output}`);
  }
});

Deno.test("the README's use of the client compiles", async () => {
  await using code = await DocumentedCode.create();
  await code.add(await readCodeBlock("README.md", ({ code }) => code.includes("@realtime-edge/client")));
  assertEquals(await code.check(), "");
});

Deno.test("a payload that does not fit does not compile", async () => {
  await using code = await DocumentedCode.create();
  const main = blocks[0]?.code ?? "";
  assert(main.includes('{ text: "hello" }'));
  await code.add(main.replace('{ text: "hello" }', "{ text: 1 }"));
  assert((await code.check()).includes("Type 'number' is not assignable to type 'string'"));
});

Deno.test("a typed room's events reach the client from the server's schemas", async () => {
  const types = await readCodeBlock(PAGE, isAboutTables);
  const tables = await readCodeBlock("docs/rooms.md", ({ code }) => code.includes("export const tables"));
  await using copy = await copyFunction();
  await copy.write("routes/tables.ts", tables);
  const client = new URL("../../packages/client/mod.ts", import.meta.url).href;
  const here = types.replaceAll("../supabase/functions/realtime/", "./").replace(
    "@realtime-edge/client",
    client,
  );
  const prelude = 'declare const tableUrl: string;\nconst token = () => "token";\n';
  await copy.write("types.ts", prelude + here);
  assertEquals(await copy.check("types.ts"), "");
  await copy.write("wrong.ts", prelude + here.replace('piece: "king"', 'piece: "pawn"'));
  assert((await copy.check("wrong.ts")).includes('"pawn"'));
});

Deno.test("the page's React component compiles, and so does its use in development", async () => {
  await using code = await DocumentedCode.create();
  const blocks = (await readCodeBlocks(PAGE)).filter(({ language }) => language === "tsx");
  assertEquals(blocks.length, 3);
  const [chat, provider, use] = blocks.map((block) => block.code);
  await code.write("chat.tsx", [chat, use].join("\n"));
  assertEquals(await code.check("chat.tsx"), "");
  const events = "interface Events { chat: { text: string } }";
  await code.write("provider.tsx", [provider, events].join("\n"));
  assertEquals(await code.check("provider.tsx"), "");
});

Deno.test("the page lists every code of the client's errors, every option and every listener, and no other", async () => {
  const source = (path: string) =>
    Deno.readTextFile(new URL(`../../packages/client/${path}`, import.meta.url));
  /** The first column of the table under a heading, without its head. */
  const column = (heading: string, cell: RegExp) => {
    const section = page.split(`\n${heading}\n`)[1]?.split(/\n##+ /)[0] ?? "";
    return [...section.matchAll(cell)].flatMap(([, names = ""]) => names.split("`, `")).sort();
  };
  const firstCell = /^\| `([^|]+)` \|/gm;
  const codes = (await source("errors.ts")).split("export type ClientErrorCode =")[1]?.split(";")[0] ?? "";
  assertEquals(
    column("## Errors", firstCell),
    [...codes.matchAll(/"(\w+)"/g)].map(([, code]) => code).sort(),
  );
  const listeners = (await source("room.ts")).split("export interface RoomListeners")[1]?.split("\n}")[0] ??
    "";
  assertEquals(
    column("## Receiving", firstCell),
    [...listeners.matchAll(/readonly (\w+):/g)].map(([, kind]) => kind).sort(),
  );
  const options = (await source("options.ts")).split("export interface RoomOptions {")[1] ?? "";
  const top = [...options.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name);
  const documented = column("## Options", firstCell).map((name) => name.split(".")[0]);
  assertEquals([...new Set(documented)].sort(), [...top].sort());
});
