/**
 * The check for floating promises finds every form of a dropped promise, and no other statement.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { findFloatingPromises, FOLDERS, listSources } from "../../tools/checks/floating_promises.ts";

const DROPPED = [
  "work();",
  "is ? work() : undefined;",
  "is ? undefined : work();",
  "is && work();",
  "is || work();",
  "perhaps ?? work();",
  "(is && work());",
  "is ? (is && work()) : count();",
  "count(), work();",
  "work(), count();",
  "work().then(count);",
  "later?.();",
];

const HANDLED = [
  "await work();",
  "void work();",
  "work().catch(count);",
  "is && work().catch(count);",
  "void (is && work());",
  "is ? count() : undefined;",
  "const kept = is && work();",
  "count();",
];

const PREAMBLE = `
declare const is: boolean;
declare const perhaps: number | undefined;
declare const later: (() => Promise<void>) | undefined;
declare function work(): Promise<void>;
declare function count(): number;
`;

async function find(statements: readonly string[]): Promise<string[]> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, `export {};${PREAMBLE}${statements.join("\n")}\n`);
    return (await findFloatingPromises([file])).map((place) => place.replace(/^\S+ /, ""));
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("a promise that is dropped is found, whichever expression it is the value of", async () => {
  assertEquals(await find(DROPPED), DROPPED);
});

Deno.test("a promise that is awaited, marked, caught or kept is none, and neither is another value", async () => {
  assertEquals(await find(HANDLED), []);
});

Deno.test("every folder of the project has files, and a folder without any is an error", async () => {
  const root = new URL("../../", import.meta.url);
  for (const folder of FOLDERS) {
    const sources = await listSources(root, [folder]);
    assertEquals(sources.every((path) => path.startsWith(`${root.pathname}${folder}/`)), true);
  }
  await assertRejects(() => listSources(root, ["docs"]), Error, "The folder docs has no TypeScript file");
});
