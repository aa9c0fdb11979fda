/** The house rules that a reader relies on: who may import whom, and who may touch what (docs/architecture.md). */
import { assertEquals } from "@std/assert";
import { listFiles } from "../tools/support/list_files.ts";

const FUNCTION = new URL("../supabase/functions/realtime/", import.meta.url);

/** A folder or file of the function, and what it may import beside itself. Nothing below knows what is above it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "index.ts": ["config.ts", "edge_runtime.ts", "service.ts", "standalone.ts"],
  "service.ts": [
    "app.ts",
    "app_env.ts",
    "config_schema.ts",
    "handler.ts",
    "log.ts",
    "metrics.ts",
    "protocol",
    "room_address.ts",
    "service_auth.ts",
    "service_backplane.ts",
    "service_policy.ts",
    "service_rooms.ts",
    "socket",
  ],
  "service_auth.ts": ["auth", "config.ts", "config_schema.ts"],
  "service_backplane.ts": ["backplane", "config_schema.ts", "log.ts"],
  "service_policy.ts": ["app_env.ts", "config_schema.ts", "log.ts", "permissions", "rooms"],
  "service_rooms.ts": ["config_schema.ts", "late_rooms.ts", "protocol", "rooms", "socket"],
  "edge_runtime.ts": ["log.ts", "service.ts"],
  "standalone.ts": ["config_schema.ts", "service.ts"],
  "config.ts": ["config_schema.ts"],
  "config_schema.ts": ["config_values.ts"],
  "config_values.ts": [],
  "handler.ts": ["app_env.ts", "auth", "log.ts", "middleware", "socket"],
  "app.ts": ["app_env.ts", "endpoint.ts", "middleware", "routes"],
  "openapi": ["protocol", "version.ts"],
  "routes": [
    "app_env.ts",
    "endpoint.ts",
    "middleware",
    "openapi",
    "protocol",
    "room_endpoint.ts",
    "socket",
    "version.ts",
  ],
  "room_endpoint.ts": [
    "app_env.ts",
    "auth",
    "endpoint.ts",
    "middleware",
    "protocol",
    "room_address.ts",
    "room_http.ts",
    "rooms",
    "socket",
  ],
  "room_http.ts": ["auth", "backplane", "endpoint.ts", "middleware", "protocol", "room_address.ts", "rooms"],
  "room_address.ts": ["protocol"],
  // Known to app_env.ts, so that the rooms' own code can be loaded after the first answer.
  "late_rooms.ts": ["backplane", "rooms", "socket"],
  "endpoint.ts": ["app_env.ts"],
  "app_env.ts": ["auth", "late_rooms.ts", "log.ts", "metrics.ts", "rooms", "socket"],
  "middleware": ["app_env.ts", "auth", "backplane", "log.ts", "protocol", "socket"],
  "permissions": ["auth", "backplane", "rooms"],
  "rooms": ["auth", "backplane", "log.ts", "metrics.ts", "protocol", "socket"],
  "backplane": [],
  "socket": ["auth", "log.ts", "metrics.ts", "protocol"],
  "auth": ["protocol"],
  "log.ts": [],
  "metrics.ts": [],
  "version.ts": [],
  "protocol": [],
};

/** What only one place may do. */
const ONLY_IN: readonly { what: RegExp; where: RegExp }[] = [
  { what: /Deno\.env/, where: /^index\.ts$/ },
  { what: /Deno\.upgradeWebSocket|raw\.(send|close)\(/, where: /^socket\// },
  { what: /\bDeno\./, where: /^(?!protocol\/)/ },
  { what: /from "(npm:)?hono/, where: /^(?!protocol\/|auth\/|socket\/|rooms\/|backplane\/)/ },
  { what: /console\./, where: /^(edge_runtime|config|standalone)\.ts$/ },
];

interface Source {
  readonly path: string;
  readonly text: string;
}

async function readSources(): Promise<Source[]> {
  const paths = await listFiles(FUNCTION, ".ts");
  return await Promise.all(
    paths.map(async (path) => ({ path, text: await Deno.readTextFile(new URL(path, FUNCTION)) })),
  );
}

/** The code without its comments: what a comment speaks of is not done. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

function imports({ path, text }: Source): string[] {
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, specifier = ""]) =>
    specifier
  );
  const base = new URL(path, FUNCTION);
  return specifiers.filter((specifier) => specifier.startsWith("."))
    .map((specifier) => new URL(specifier, base).href.slice(FUNCTION.href.length));
}

const place = (path: string) => path.split("/")[0] ?? path;

Deno.test("imports go downwards only", async () => {
  const wrong = (await readSources()).flatMap((source) =>
    imports(source)
      .filter((target) =>
        place(target) !== place(source.path) && !MAY_IMPORT[place(source.path)]?.includes(place(target))
      )
      .map((target) => `${source.path} → ${target}`)
  );
  assertEquals(wrong, []);
});

Deno.test("every place of the function has its rule", async () => {
  const places = new Set((await readSources()).map(({ path }) => place(path)));
  assertEquals([...places].sort(), Object.keys(MAY_IMPORT).sort());
});

Deno.test("what only one place may do is done there only", async () => {
  const wrong = (await readSources()).flatMap(({ path, text }) =>
    ONLY_IN.filter(({ what, where }) => what.test(withoutComments(text)) && !where.test(path))
      .map(({ what }) => `${path}: ${what.source}`)
  );
  assertEquals(wrong, []);
});

Deno.test("every import is a literal, so that the CLI uploads what it names", async () => {
  const wrong = (await readSources()).filter(({ text }) =>
    /\bimport\s*\(\s*[^"\s]/.test(withoutComments(text))
  );
  assertEquals(wrong.map(({ path }) => path), []);
});

Deno.test("every export has a doc comment", async () => {
  const wrong = (await readSources()).flatMap(({ path, text }) => {
    const lines = text.split("\n");
    return lines.flatMap((line, at) => {
      if (!/^export (?!type \{|\{|\*)/.test(line)) return [];
      // A lint directive or a reason may stand between the doc comment and the export.
      let before = at - 1;
      while (lines[before]?.startsWith("//")) before--;
      return lines[before]?.trimEnd().endsWith("*/") ? [] : [`${path}:${at + 1} ${line}`];
    });
  });
  assertEquals(wrong, []);
});
