import { type Database, sqlStateOf } from "./database.ts";

/** Folder of the migrations in a project. */
export const MIGRATIONS_FOLDER = "supabase/migrations/";

/** A schema that the engine needs, and its migrations in order. Each raises the version by one. */
export interface NeededSchema {
  readonly name: string;
  readonly migrations: readonly string[];
  /**
   * Version without which nothing works. Each migration after it serves one feature, which alone is
   * unavailable without it.
   */
  readonly needed: number;
}

/** Version of a schema in the database, and the one that the engine needs. */
export interface SchemaVersion {
  readonly found: number;
  readonly needed: number;
}

/** Schema of the rooms. */
export const ROOMS_SCHEMA: NeededSchema = {
  name: "rooms",
  migrations: [
    "20261123000000_rooms.sql",
    "20261129010000_private_notifications.sql",
    "20261129020000_locked_rooms.sql",
    "20261129030000_retention.sql",
    "20261129040000_staged_publishes.sql",
    "20261129060000_room_position.sql",
    // Needed by tickets only.
    "20261129080000_one_use_values.sql",
  ],
  needed: 6,
};

/** Schema of row level security as the room policy. */
export const ROOM_ACCESS_SCHEMA: NeededSchema = {
  name: "room_access",
  migrations: ["20261123010000_room_permissions.sql", "20261129011000_private_announcements.sql"],
  needed: 2,
};

/**
 * Reads a schema's version. A newer one than needed is good: isolates of the release before still
 * run during an upgrade.
 * @throws {Error} as a rejection, if the version is older; names both versions and what to apply
 */
export async function readVersion(database: Database, schema: NeededSchema): Promise<SchemaVersion> {
  const { name, migrations, needed } = schema;
  let found = 0;
  try {
    const [row] = await database.read<{ version: number }>(`select ${name}.schema_version() as version`, []);
    found = row?.version ?? 0;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  if (found >= needed) return { found, needed };
  const missing = migrations.slice(found).map((file) => MIGRATIONS_FOLDER + file).join(" and ");
  throw new Error(
    `The schema \`${name}\` in the database has version ${found}, and version ${needed} is needed. ` +
      `Apply ${missing} (supabase db push).`,
  );
}

/** True if the schema or the function does not exist. */
function isMissing(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === "3F000" || state === "42883";
}
