import { connect } from "node:net";
import postgres from "postgres";
import { findUrlProblem } from "../../../server/src/config/postgres_url.ts";
import { migrationStates } from "../project/engine_changes.ts";
import type { PackageAssets } from "../project/package_assets.ts";
import type { Project } from "../project/project.ts";
import { type Finding, ok, problem, skipped } from "./finding.ts";

const CHECK = "database";
/** Longest wait for the server. */
const TIMEOUT_MS = 10_000;
/** Asks for TLS; the answer is one byte, `S` or `N`. */
const SSL_REQUEST = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);

/** Checks that the database offers TLS, and that the project's migrations were applied. */
export async function checkDatabase(
  url: string | undefined,
  project: Project,
  assets: PackageAssets,
): Promise<Finding[]> {
  if (url === undefined) return [skipped(CHECK, "no address was given", "give --db-url postgres://…")];
  const wrong = URL.canParse(url)
    ? findUrlProblem(url)
    : "The address is not of the form postgres://user@host/db.";
  if (wrong !== undefined) return [problem(CHECK, wrong, "correct --db-url")];
  const { hostname, port } = new URL(url);
  const tls = await offersTls(hostname.replace(/^\[|\]$/g, ""), Number(port || 5432));
  if (tls === undefined) {
    return [
      problem(CHECK, `${hostname} does not answer`, "check host and port, and that the database is awake"),
    ];
  }
  const encryption = tls ? ok(CHECK, `${hostname} offers TLS`) : problem(
    CHECK,
    `${hostname} offers no TLS: rooms would travel in plain text`,
    "switch TLS on at the server",
  );
  return [encryption, ...await checkApplied(url, tls, project, assets)];
}

/** True or false as the server answers; undefined if it does not. */
function offersTls(host: string, port: number): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean | undefined) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(TIMEOUT_MS, () => end(undefined));
    socket.on("error", () => end(undefined));
    socket.on("close", () => end(undefined));
    socket.on("data", (bytes: Uint8Array) => end(String.fromCharCode(bytes[0] ?? 0) === "S"));
    socket.on("connect", () => socket.write(SSL_REQUEST));
  });
}

/** Compares the migrations of the project with those that `supabase db push` recorded. */
async function checkApplied(
  url: string,
  tls: boolean,
  project: Project,
  assets: PackageAssets,
): Promise<Finding[]> {
  const sql = postgres(url, {
    max: 1,
    fetch_types: false,
    connect_timeout: TIMEOUT_MS / 1_000,
    ssl: tls ? "prefer" : false,
    onnotice: () => {},
  });
  try {
    const [table] =
      await sql`select to_regclass('supabase_migrations.schema_migrations') is not null as found`;
    const rows = table?.["found"] ? await sql`select version from supabase_migrations.schema_migrations` : [];
    const applied = new Set(rows.map(({ version }) => String(version)));
    const copies = migrationStates(project, assets).flatMap(({ copy }) => copy ? [copy.file] : []);
    const missing = copies.filter((file) => !applied.has(file.slice(0, 14)));
    return missing.length === 0
      ? [ok(CHECK, `all ${copies.length} migrations of the engine are applied`)]
      : missing.map((file) => problem(CHECK, `${file} is not applied`, "run `npx supabase@3.1.0 db push`"));
  } catch (error) {
    // The driver's messages name user and database, never the password.
    const reason = error instanceof Error ? error.message : String(error);
    return [
      problem(CHECK, `the migrations could not be read: ${reason}`, "check user and password of the address"),
    ];
  } finally {
    await sql.end({ timeout: 1 });
  }
}
