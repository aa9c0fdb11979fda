/** The real Supabase CLI against a real database: applies the migrations, and finds nothing to warn of. */
import { assert, assertEquals } from "@std/assert";
import { createTestDatabase, readMigrations } from "../../tools/support/postgres/database.ts";
import { isWithoutPostgres, sharedServerUrl } from "../../tools/support/postgres/server.ts";
import { runSupabaseCli } from "../support/deploy/supabase_cli.ts";

const ROOT = new URL("../../", import.meta.url);
const PROJECT = ["--workdir", ROOT.pathname, "--yes", "--output-format", "json"] as const;

/** Extension that `db lint` needs. Debian has it as `postgresql-15-plpgsql-check`. */
const EXTENSION = "plpgsql_check";

/**
 * Names of parameters that are reserved words. The first release has the name `user`: another one
 * would break calls, and applying the files again. The protocol has the name `offset`.
 */
const RESERVED = new Set([
  'rooms.publish: name of parameter "user" is reserved keyword',
  'rooms.position: name of parameter "offset" is reserved keyword',
  'room_access.announce: name of parameter "user" is reserved keyword',
]);

/** Finding of `db advisors`. */
interface Advice {
  readonly name: string;
  readonly level: "INFO" | "WARN" | "ERROR";
  readonly detail: string;
  readonly metadata: { readonly schema?: string };
}

/** Findings of `db lint` for a function. */
interface Lint {
  readonly function: string;
  readonly issues: readonly { readonly level: string; readonly message: string; readonly detail?: string }[];
}

/** Runs a command of the CLI that prints one JSON object. */
async function runJson(args: readonly string[]): Promise<{ readonly results?: unknown }> {
  const home = await Deno.makeTempDir({ prefix: "supabase-home-" });
  try {
    const lines = await runSupabaseCli({ args: [...args, ...PROJECT], home, env: { PGSSLMODE: "disable" } });
    const printed = lines.find((line) => line.startsWith("{"));
    assert(printed, lines.join("\n"));
    return JSON.parse(printed);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** True if the server has the extension; in CI a missing one fails the test. */
async function hasExtension(url: string): Promise<boolean> {
  await using database = await createTestDatabase({ server: url });
  const found = await database.sql`select from pg_available_extensions where name = ${EXTENSION}`;
  if (found.length === 0 && !Deno.env.get("CI")) {
    console.log(
      `No ${EXTENSION}: db lint is left out. Get it with \`apt-get install postgresql-15-plpgsql-check\`.`,
    );
    return false;
  }
  return true;
}

Deno.test({
  name: "supabase db push applies the migrations once; db advisors and db lint have no warning",
  ignore: isWithoutPostgres,
  fn: async (t) => {
    await using database = await createTestDatabase({ isMigrated: false });
    const remote = `--remote=${database.url}`;

    await t.step("db push", async () => {
      const pushed = async () => {
        await runJson(["db", "push", remote]);
        const rows = await database.sql<{ version: string }[]>`
          select version from supabase_migrations.schema_migrations order by version
        `;
        return rows.map(({ version }) => version);
      };
      const versions = [...(await readMigrations()).keys()].map((name) => name.split("_")[0]);
      assertEquals(await pushed(), versions);
      assertEquals(await pushed(), versions);
    });

    await t.step("db advisors", async () => {
      const { results } = await runJson(["db", "advisors", remote, "--type", "all", "--level", "info"]);
      assert(Array.isArray(results));
      const found: readonly Advice[] = results;
      const ours = found.filter(({ metadata }) => /^room/.test(metadata.schema ?? ""));
      // Proof that the advisors saw our schemas: tables of rooms have no policy, on purpose.
      assert(ours.some(({ name, level }) => name === "rls_enabled_no_policy" && level === "INFO"));
      assertEquals(ours.filter(({ level }) => level !== "INFO").map(({ detail }) => detail), []);
    });

    await t.step({
      name: "db lint",
      ignore: !await hasExtension(await sharedServerUrl()),
      fn: async () => {
        const schemas = ["--schema", "rooms,room_access", "--level", "warning"];
        const { results } = await runJson(["db", "lint", remote, ...schemas]);
        assert(Array.isArray(results));
        const found: readonly Lint[] = results;
        const warnings = found.flatMap(({ function: name, issues }) =>
          issues.map(({ message, detail }) => ({ text: `${name}: ${message}`, detail }))
        );
        assertEquals(warnings.filter(({ text }) => !RESERVED.has(text)), []);
        // All are still there: remove what is gone from the list.
        assertEquals(new Set(warnings.map(({ text }) => text)), RESERVED);
      },
    });
  },
});
