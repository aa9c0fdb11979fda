import process from "node:process";

/** The line that says that all is well; what is left is that the program ends by itself. */
export const HOLDS = "It holds.";

/** Such as `Node 22.23.3`. Deno and Bun name a version of Node too. */
export function runtimeVersion(): string {
  const { deno, bun, node } = process.versions as Readonly<Record<string, string | undefined>>;
  if (deno !== undefined) return `Deno ${deno}`;
  return bun === undefined ? `Node ${node}` : `Bun ${bun}`;
}
