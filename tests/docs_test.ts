import { assert, assertEquals } from "@std/assert";
import { GENERATED_PARTS, withPart } from "../tools/docs/generated_docs.ts";
import { readCodeBlock } from "./support/code_blocks.ts";

const ROOT = new URL("../", import.meta.url);
const DOCUMENTS = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "AGENTS.md",
  "packages/client/README.md",
  "packages/cli/README.md",
  "packages/server/README.md",
  "examples/existing-project/README.md",
  "examples/docker/README.md",
  "examples/node-client/README.md",
  "examples/polls/README.md",
  "examples/react-chat/README.md",
  "docs/adopt.md",
  "docs/upgrade.md",
  "docs/migrate-from-supabase-realtime.md",
  "docs/architecture.md",
  "docs/client.md",
  "docs/edge-host.md",
  "docs/glossary.md",
  "docs/scaling.md",
  "docs/testing.md",
  "docs/configuration.md",
  "docs/deploy.md",
  "docs/operations.md",
  "docs/bench.md",
  "docs/performance.md",
  "docs/protocol.md",
  "docs/rooms.md",
  "docs/recipes/add-an-endpoint.md",
];

for (const part of GENERATED_PARTS) {
  Deno.test(`${part.file}: the ${part.name} are those of the code (else run \`deno task docs\`)`, async () => {
    const document = await Deno.readTextFile(new URL(part.file, ROOT));
    assertEquals(document, withPart(document, part));
  });
}

Deno.test("every link between the documents leads somewhere", async () => {
  for (const path of DOCUMENTS) {
    const file = new URL(path, ROOT);
    const text = await Deno.readTextFile(file);
    for (const [, target = ""] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target)) continue;
      const there = await Deno.stat(new URL(target, file)).then(() => true, () => false);
      assert(there, `${path} links to ${target}, which does not exist`);
    }
  }
});

Deno.test("the README's endpoint is the recipe's, which is tested", async () => {
  const holdsEndpoint = ({ code }: { code: string }) => code.includes("export const boards");
  assertEquals(
    await readCodeBlock("README.md", holdsEndpoint),
    await readCodeBlock("docs/recipes/add-an-endpoint.md", holdsEndpoint),
  );
});

Deno.test("the README's room is the one of docs/rooms.md, which is tested", async () => {
  const holdsRoom = ({ code }: { code: string }) => code.includes("export const tables");
  assertEquals(await readCodeBlock("README.md", holdsRoom), await readCodeBlock("docs/rooms.md", holdsRoom));
});

Deno.test("every task that the documents name exists", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  for (const path of DOCUMENTS) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    for (const [, task = ""] of text.matchAll(/(?:deno|deno@[\d.]+) task ([\w:]+)/g)) {
      assert(task in tasks, `${path} names the task ${task}, which does not exist`);
    }
  }
});
