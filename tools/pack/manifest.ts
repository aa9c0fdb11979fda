import { VERSION } from "../../packages/server/src/version.ts";

/** Fields of a `package.json` beside those that all packages share. */
export interface ManifestFields {
  readonly name: string;
  readonly description: string;
  readonly keywords: readonly string[];
  readonly [field: string]: unknown;
}

/**
 * Makes a package's `package.json`. `repository`, `homepage` and `bugs` come when the project has
 * an address (CONTRIBUTING.md, "Release").
 */
export function manifestText({ name, description, keywords, ...fields }: ManifestFields): string {
  const manifest = {
    name,
    version: VERSION,
    description,
    keywords: ["realtime", "websocket", "rooms", "supabase", "edge-functions", ...keywords],
    license: "MIT",
    author: "the Realtime Edge authors",
    type: "module",
    ...fields,
  };
  return JSON.stringify(manifest, null, 2) + "\n";
}

/** The `exports` of a package: each entry with its declarations, and `package.json`. */
export function exportsOf(entries: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const exports = Object.entries(entries).map(([entry, module]) => [
    entry,
    { types: `./${module}.d.ts`, default: `./${module}.js` },
  ]);
  return { ...Object.fromEntries(exports), "./package.json": "./package.json" };
}
