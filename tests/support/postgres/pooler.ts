import { deadline } from "@std/async";
import { readLines } from "../read_lines.ts";

/** Where Debian puts it. */
const PLACES = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"];
const program = PLACES.find((path) => exists(path));

/** Whether tests with a pooler have to be left out, said with how to get one. */
export const isWithoutPooler: boolean = program === undefined;
if (isWithoutPooler) {
  console.log("No PgBouncer: its tests are left out. Get it with `apt-get install pgbouncer`.");
}

const START_PATIENCE_MS = 20_000;

/** PgBouncer in front of a server: each transaction gets any of two connections. `await using` ends it. */
export interface Pooler extends AsyncDisposable {
  /** The address of the same database through it. */
  readonly url: string;
}

/** Starts a pooler in front of a database. */
export async function startPooler(databaseUrl: string): Promise<Pooler> {
  if (!program) throw new Error(`There is no PgBouncer at any of ${PLACES.join(", ")}.`);
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
  // It refuses to run as root.
  const command = Deno.uid() === 0
    ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", program]
    : [program];
  const [first = "", ...args] = [...command, `${directory}/settings`];
  const child = new Deno.Command(first, { args, cwd: "/", stdin: "null", stdout: "null", stderr: "piped" })
    .spawn();
  const lines: string[] = [];
  const listening = Promise.withResolvers<void>();
  const reading = readLines(child.stderr, (line) => {
    lines.push(line);
    if (line.includes("listening on")) listening.resolve();
  });
  const end = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await child.status;
    await reading;
    await Deno.remove(directory, { recursive: true });
  };
  try {
    const ended = child.status.then(() => Promise.reject(new Error(`PgBouncer ended: ${lines.join("\n")}`)));
    await deadline(Promise.race([listening.promise, ended]), START_PATIENCE_MS);
  } catch (error) {
    await end();
    throw error;
  }
  return { url: `postgres://${username}@127.0.0.1:${own}${pathname}`, [Symbol.asyncDispose]: end };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
