/** A migration, as text by its file name. */
export interface Migration {
  /** Such as `20261123000000_rooms.sql`. */
  readonly file: string;
  readonly text: string;
}

/**
 * Beginning of the names that this command gives, so that a project's own `rooms` is another one.
 */
const PREFIX = "realtime_edge_";
const FILE = /^(\d{14})_(.+)\.sql$/;

/** A migration of the engine beside the project's copy. */
export interface MigrationState {
  readonly migration: Migration;
  /** Name behind the timestamp. */
  readonly name: string;
  /** The project's copy; undefined if it is missing. */
  readonly copy: Migration | undefined;
  /** True if the copy's text is another. */
  readonly differs: boolean;
}

/**
 * Finds the project's copy of each of the engine's migrations, by the name behind the timestamp. A
 * file without the prefix counts only with the same text: it may be the project's own.
 */
export function compareMigrations(
  engine: readonly Migration[],
  project: readonly Migration[],
): MigrationState[] {
  return engine.map((migration) => {
    const name = nameOf(migration.file);
    const isSame = (other: Migration) => withUnixLines(other.text) === withUnixLines(migration.text);
    const copy = project.find(({ file }) => nameOf(file) === PREFIX + name) ??
      project.find((other) => nameOf(other.file) === name && isSame(other));
    return { migration, name, copy, differs: copy !== undefined && !isSame(copy) };
  });
}

/**
 * Gives missing migrations files with timestamps later than the newest of the project, and not
 * before `now`: `supabase db push` refuses a file that is older than one it has applied.
 */
export function missingMigrations(
  states: readonly MigrationState[],
  project: readonly Migration[],
  now: Date,
): Migration[] {
  const newest = project.reduce((latest, { file }) => Math.max(latest, timeOf(file)), 0);
  let next = Math.max(newest + 1_000, Math.floor(now.getTime() / 1_000) * 1_000);
  return states.filter(({ copy }) => copy === undefined).map(({ migration, name }) => {
    const file = `${timestampOf(next)}_${PREFIX}${name}.sql`;
    next += 1_000;
    return { file, text: migration.text };
  });
}

function nameOf(file: string): string {
  return FILE.exec(file)?.[2] ?? file;
}

/** Time of a file's timestamp in milliseconds; 0 without one. */
function timeOf(file: string): number {
  const digits = FILE.exec(file)?.[1];
  if (digits === undefined) return 0;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = [
    digits.slice(0, 4),
    ...digits.slice(4).match(/../g) ?? [],
  ].map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function timestampOf(time: number): string {
  return new Date(time).toISOString().replace(/\D/g, "").slice(0, 14);
}

function withUnixLines(text: string): string {
  return text.replaceAll("\r\n", "\n");
}
