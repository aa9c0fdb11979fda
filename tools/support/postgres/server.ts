import { dirname } from "node:path";
import { deadline } from "@std/async";
import { freePort } from "../free_port.ts";
import { findInstalled } from "../installed.ts";

const givenUrl = Deno.env.get("TEST_POSTGRES_URL");
const initdb = findInstalled({
  name: "Postgres",
  tests: "its tests",
  hint:
    "Get it with `apt-get install postgresql`, name the folder of its programs in PG_BIN, or a server in TEST_POSTGRES_URL",
  // Folders of the server's programs on Debian, with Homebrew, and others.
  places: [
    Deno.env.get("PG_BIN"),
    ...[18, 17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin`),
    ...[18, 17, 16, 15].map((version) => `/opt/homebrew/opt/postgresql@${version}/bin`),
    "/usr/local/bin",
    "/usr/bin",
  ].map((folder) => folder && `${folder}/initdb`),
  isElsewhere: givenUrl !== undefined,
});

/** True if tests with Postgres have to be skipped; see `Found.isMissing`. */
export const isWithoutPostgres: boolean = initdb.isMissing;

/** Limit of a start, which reads and writes a few hundred files, on a busy machine. */
const START_TIMEOUT_MS = 60_000;

/** Files (PEM) of a server's certificate. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Postgres server for the tests of one process. Ends with the process, however that ends. */
export class PostgresServer {
  /** URL of the superuser, without a database. */
  readonly url: string;
  readonly #directory: string;
  readonly #port: number;
  readonly #settings: readonly string[];

  private constructor(directory: string, port: number, settings: readonly string[]) {
    this.#directory = directory;
    this.#port = port;
    this.#settings = settings;
    this.url = `postgres://postgres@127.0.0.1:${port}`;
  }

  /**
   * Starts a server with an empty cluster, and fast settings without durability; `settings`
   * override those. With a certificate the server offers TLS.
   */
  static async start(
    settings: readonly string[] = [],
    certificate?: ServerCertificate,
  ): Promise<PostgresServer> {
    const directory = await Deno.makeTempDir({ prefix: "rooms-postgres-" });
    await giveToServer(directory);
    // Retries with another port if the port is already in use.
    for (let attempt = 1;; attempt++) {
      const server = new PostgresServer(
        directory,
        freePort(),
        certificate ? [...settings, "ssl=on"] : settings,
      );
      try {
        if (attempt === 1) await server.#makeCluster();
        if (attempt === 1 && certificate) await server.#install(certificate);
        await server.resume();
        server.#endWithProcess();
        return server;
      } catch (error) {
        if (attempt === 3) throw error;
      }
    }
  }

  /** Stops the server like a restart: cuts connections and keeps the data. */
  async stop(mode: "fast" | "immediate" = "fast"): Promise<void> {
    await run(["pg_ctl", "stop", "-w", "-D", this.#data, "-m", mode]);
  }

  /** Starts the server again. */
  async resume(): Promise<void> {
    const settings = [
      `port=${this.#port}`,
      "listen_addresses=127.0.0.1",
      `unix_socket_directories=${this.#directory}`,
      "fsync=off",
      "full_page_writes=off",
      "max_connections=200",
      ...this.#settings,
    ];
    const log = `${this.#directory}/log`;
    try {
      await run([
        "pg_ctl",
        "start",
        "-w",
        "-D",
        this.#data,
        "-l",
        log,
        "-o",
        settings.map((setting) => `-c ${setting}`).join(" "),
      ]);
    } catch (error) {
      throw new Error(await Deno.readTextFile(log).catch(() => "no log file"), { cause: error });
    }
  }

  get #data(): string {
    return `${this.#directory}/data`;
  }

  async #makeCluster(): Promise<void> {
    await run([
      "initdb",
      "-D",
      this.#data,
      "-U",
      "postgres",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--locale=C",
      "--no-sync",
    ]);
  }

  /** Copies the files to where the server looks for them; it refuses a key that others may read. */
  async #install({ certificate, key }: ServerCertificate): Promise<void> {
    for (const [from, name] of [[certificate, "server.crt"], [key, "server.key"]] as const) {
      const to = `${this.#data}/${name}`;
      await Deno.copyFile(from, to);
      await Deno.chmod(to, 0o600);
      await giveToServer(to);
    }
  }

  /**
   * Starts a shell that stops the server after this process, which may be killed without a cleanup.
   */
  #endWithProcess(): void {
    const [program = "", ...args] = asServer(["pg_ctl", "stop", "-D", this.#data, "-m", "immediate"]);
    const stop = [program, ...args].map((word) => `'${word}'`).join(" ");
    // The shell ignores signals to the process group.
    const wait = `trap '' HUP INT TERM; while kill -0 ${Deno.pid} 2>/dev/null; do sleep 1; done`;
    const script = `{ ${wait}; ${stop}; rm -rf '${this.#directory}'; } >/dev/null 2>&1 </dev/null &`;
    new Deno.Command("sh", { args: ["-c", script] }).outputSync();
  }
}

let shared: Promise<string> | undefined;

/** URL, without a database, of the server that all tests of the process share. */
export function sharedServerUrl(): Promise<string> {
  return shared ??= givenUrl === undefined
    ? PostgresServer.start().then(({ url }) => url)
    : Promise.resolve(givenUrl.replace(/\/[^/?]*(\?.*)?$/, ""));
}

/** Postgres refuses to run as root, and runs as the package's user then. */
function asServer([program = "", ...args]: readonly string[]): string[] {
  const command = [`${dirname(initdb.path())}/${program}`, ...args];
  if (Deno.uid() !== 0) return command;
  return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", ...command];
}

async function run(command: readonly string[]): Promise<void> {
  const [program = "", ...args] = asServer(command);
  // The server inherits the outputs, so a pipe would stay open until its end.
  const child = new Deno.Command(program, { args, cwd: "/", stdin: "null", stdout: "null", stderr: "null" });
  const { code } = await deadline(child.output(), START_TIMEOUT_MS);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}.`);
}

async function giveToServer(path: string): Promise<void> {
  if (Deno.uid() !== 0) return;
  const ids = await Promise.all(["-u", "-g"].map(async (flag) => {
    const { stdout } = await new Deno.Command("id", { args: [flag, "postgres"] }).output();
    return Number(new TextDecoder().decode(stdout));
  }));
  await Deno.chown(path, ids[0] ?? null, ids[1] ?? null);
}
