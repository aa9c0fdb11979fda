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
  // Folders in which Debian, Homebrew and others install the server's programs.
  places: [
    Deno.env.get("PG_BIN"),
    ...[18, 17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin`),
    ...[18, 17, 16, 15].map((version) => `/opt/homebrew/opt/postgresql@${version}/bin`),
    "/usr/local/bin",
    "/usr/bin",
  ].map((folder) => folder && `${folder}/initdb`),
  isElsewhere: givenUrl !== undefined,
});

/** True if tests with Postgres have to be left out; see `Found.isMissing`. */
export const isWithoutPostgres: boolean = initdb.isMissing;

/** A server's start reads and writes a few hundred files, on a machine that may be busy. */
const START_PATIENCE_MS = 60_000;

/** A server of its own for the tests of one process. It ends with the process, however that ends. */
export class PostgresServer {
  /** Of the superuser, without a database's name. */
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

  /** Starts one with an empty cluster; settings are in addition to those that make it fast and forgetful. */
  static async start(settings: readonly string[] = []): Promise<PostgresServer> {
    const directory = await Deno.makeTempDir({ prefix: "rooms-postgres-" });
    await giveToServer(directory);
    // Sharing the port with somebody who came first makes the start fail: another one is tried.
    for (let attempt = 1;; attempt++) {
      const server = new PostgresServer(directory, freePort(), settings);
      try {
        if (attempt === 1) await server.#makeCluster();
        await server.resume();
        server.#endWithProcess();
        return server;
      } catch (error) {
        if (attempt === 3) throw error;
      }
    }
  }

  /** Stops it, as a restart does: connections are cut, what is stored stays. */
  async stop(mode: "fast" | "immediate" = "fast"): Promise<void> {
    await run(["pg_ctl", "stop", "-w", "-D", this.#data, "-m", mode]);
  }

  /** Starts it again. */
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
      throw new Error(await Deno.readTextFile(log).catch(() => "no log"), { cause: error });
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

  /** Somebody beside the process waits for its end, since it may not come to do anything any more. */
  #endWithProcess(): void {
    const [program = "", ...args] = asServer(["pg_ctl", "stop", "-D", this.#data, "-m", "immediate"]);
    const stop = [program, ...args].map((word) => `'${word}'`).join(" ");
    // A signal to the whole process group must not end this shell.
    const wait = `trap '' HUP INT TERM; while kill -0 ${Deno.pid} 2>/dev/null; do sleep 1; done`;
    const script = `{ ${wait}; ${stop}; rm -rf '${this.#directory}'; } >/dev/null 2>&1 </dev/null &`;
    new Deno.Command("sh", { args: ["-c", script] }).outputSync();
  }
}

let shared: Promise<string> | undefined;

/** The address, without a database's name, of the server that all tests of the process share. */
export function sharedServerUrl(): Promise<string> {
  return shared ??= givenUrl === undefined
    ? PostgresServer.start().then(({ url }) => url)
    : Promise.resolve(givenUrl.replace(/\/[^/?]*(\?.*)?$/, ""));
}

/** The server refuses to run as root: then it runs as the user that the package made. */
function asServer([program = "", ...args]: readonly string[]): string[] {
  const command = [`${dirname(initdb.path())}/${program}`, ...args];
  if (Deno.uid() !== 0) return command;
  return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", ...command];
}

async function run(command: readonly string[]): Promise<void> {
  const [program = "", ...args] = asServer(command);
  // A started server inherits the outputs: reading a pipe would wait for its end.
  const child = new Deno.Command(program, { args, cwd: "/", stdin: "null", stdout: "null", stderr: "null" });
  const { code } = await deadline(child.output(), START_PATIENCE_MS);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}.`);
}

async function giveToServer(directory: string): Promise<void> {
  if (Deno.uid() !== 0) return;
  const ids = await Promise.all(["-u", "-g"].map(async (flag) => {
    const { stdout } = await new Deno.Command("id", { args: [flag, "postgres"] }).output();
    return Number(new TextDecoder().decode(stdout));
  }));
  await Deno.chown(directory, ids[0] ?? null, ids[1] ?? null);
}
