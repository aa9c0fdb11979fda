import { freePort } from "../../../tools/support/free_port.ts";
import { findInstalled } from "../../../tools/support/installed.ts";
import { startServerProcess } from "./server_process.ts";

const pgbouncer = findInstalled({
  name: "PgBouncer",
  tests: "its tests",
  hint: "Get it with `apt-get install pgbouncer`",
  places: ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"],
});

/** True if tests with a pooler have to be skipped; see `Found.isMissing`. */
export const isWithoutPooler: boolean = pgbouncer.isMissing;

/**
 * PgBouncer in front of a server: each transaction uses any of two connections. `await using` ends
 * it.
 */
export interface Pooler extends AsyncDisposable {
  /** URL of the database through the pooler. */
  readonly url: string;
}

/** Starts a pooler in front of a database. */
export async function startPooler(databaseUrl: string): Promise<Pooler> {
  const program = pgbouncer.path();
  const { hostname, port, username, pathname } = new URL(databaseUrl);
  const directory = await Deno.makeTempDir({ prefix: "rooms-pooler-" });
  const own = freePort();
  await Deno.writeTextFile(`${directory}/users`, `"${username}" ""\n`);
  await Deno.writeTextFile(
    `${directory}/settings`,
    `[databases]
* = host=${hostname} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = trust
auth_file = ${directory}/users
pool_mode = transaction
default_pool_size = 2
`,
  );
  await Deno.chmod(directory, 0o755);
  // PgBouncer refuses to run as root.
  const command = Deno.uid() === 0
    ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", program]
    : [program];
  const server = await startServerProcess({
    name: "PgBouncer",
    command: [...command, `${directory}/settings`],
    cwd: "/",
    directory,
    listeningLine: "listening on",
  });
  return {
    url: `postgres://${username}@127.0.0.1:${own}${pathname}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
