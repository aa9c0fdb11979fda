/** Import rules of the client: packages/protocol only, no side entry in the core. */
import { assertEquals } from "@std/assert";
import { listFiles } from "../../tools/support/list_files.ts";

const CLIENT = new URL("../../packages/client/", import.meta.url);
const PROTOCOL = new URL("../../packages/protocol/", import.meta.url);
const PLAYGROUND = new URL("../../packages/cli/playground/", import.meta.url);
const ENTRIES = ["mod.ts", "react.ts", "indexed_db.ts", "cursors.ts"];
/** Reads the names of dev users out of their ids; imports nothing. */
const DEV_USER = new URL("../dev/dev_user.ts", PLAYGROUND).href;

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

async function readSources(folder: URL): Promise<Source[]> {
  return await Promise.all((await listFiles(folder, ".ts")).map(async (path) => {
    const text = await Deno.readTextFile(new URL(path, folder));
    const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    const specifiers = [...code.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, name = ""]) => name);
    const imports = specifiers.map((name) =>
      name.startsWith(".") ? new URL(name, new URL(path, folder)).href.replace(folder.href, "") : name
    );
    return { path, text, imports };
  }));
}

/** Entry that a file belongs to. */
const partOf = (path: string) => /^(react|indexed_db|cursors)\b/.exec(path)?.[1] ?? "core";

Deno.test("the client imports packages/protocol and React only, and its core nothing of its side entries", async () => {
  const wrong = (await readSources(CLIENT)).flatMap(({ path, imports }) =>
    imports.filter((target) => {
      const part = partOf(path);
      if (target === "react") return part !== "react";
      if (target.startsWith(PROTOCOL.href)) return false;
      const parts = part === "react" ? [part, "cursors", "core"] : [part, "core"];
      return target.includes("/client/") || target.includes(":") || !parts.includes(partOf(target));
    }).map((target) => `${path} → ${target}`)
  );
  assertEquals(wrong, []);
});

Deno.test("the protocol imports nothing from outside", async () => {
  const wrong = (await readSources(PROTOCOL)).flatMap(({ path, imports }) =>
    imports.filter((target) => target.includes(":")).map((target) => `${path} → ${target}`)
  );
  assertEquals(wrong, []);
});

Deno.test("the playground is built on what the package exports, and on nothing of Deno", async () => {
  const wrong = (await readSources(PLAYGROUND)).flatMap(({ path, text, imports }) => [
    ...imports.filter((target) =>
      target.includes(":") && target !== DEV_USER &&
      !ENTRIES.some((entry) => target.endsWith(`/client/${entry}`))
    )
      .map((target) => `${path} → ${target}`),
    ...(/\bDeno\./.test(text) ? [`${path} names Deno`] : []),
  ]);
  assertEquals(wrong, []);
});

Deno.test("what runs in every runtime names none of their globals", async () => {
  const wrong = (await readSources(CLIENT)).filter(({ path, text }) =>
    partOf(path) === "core" && /\bDeno\.|\bprocess\.|\bBuffer\b|\bwindow\./.test(text)
  );
  assertEquals(wrong.map(({ path }) => path), []);
});

Deno.test("every export of the client and the protocol has a doc comment", async () => {
  const sources = [...await readSources(CLIENT), ...await readSources(PROTOCOL)];
  const wrong = sources.flatMap(({ path, text }) => {
    const lines = text.split("\n");
    return lines.flatMap((line, at) => {
      // Overloads share the comment of the first.
      if (!/^export (?!\{|\*|type \{)/.test(line)) return [];
      let before = at - 1;
      while (lines[before]?.startsWith("//")) before--;
      const isOverload = /^\): .*;$/.test(lines[before] ?? "");
      return isOverload || lines[before]?.trimEnd().endsWith("*/") ? [] : [`${path}:${at + 1} ${line}`];
    });
  });
  assertEquals(wrong, []);
});
