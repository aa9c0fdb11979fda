import { deadline } from "@std/async";
import { readLines } from "../read_lines.ts";
import { nginxPath } from "./availability.ts";
import { documentedConfig } from "./documented_config.ts";

const START_PATIENCE_MS = 20_000;

/** nginx as docs/deploy.md configures it, in front of two processes. `await using` ends it and removes its files. */
export interface Nginx extends AsyncDisposable {
  /** Where it answers, without a slash at the end. */
  readonly origin: string;
  /** All that it logged so far. */
  logs(): Promise<string>;
}

/** Starts it on a free port of 127.0.0.1. @throws {Error} with what it said, when it ends instead */
export async function startNginx(upstreams: readonly [number, number]): Promise<Nginx> {
  const directory = await Deno.makeTempDir({ prefix: "rooms-nginx-" });
  const port = freePort();
  const config = await documentedConfig({ port, upstreams, logDirectory: directory });
  await Deno.writeTextFile(`${directory}/nginx.conf`, mainConfig(directory, config));
  const child = new Deno.Command(nginxPath(), {
    args: ["-e", "stderr", "-p", directory, "-c", `${directory}/nginx.conf`],
    cwd: directory,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  const listening = Promise.withResolvers<void>();
  const reading = readLines(child.stderr, (line) => {
    lines.push(line);
    // The event loop is chosen when the sockets listen already.
    if (line.includes("event method")) listening.resolve();
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
    const ended = child.status.then(async () => {
      await reading;
      throw new Error(`nginx ended: ${lines.join("\n")}`);
    });
    await deadline(Promise.race([listening.promise, ended]), START_PATIENCE_MS);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    async logs() {
      const files = ["access.log", "error.log"].map((name) => Deno.readTextFile(`${directory}/${name}`));
      return [...lines, ...await Promise.all(files)].join("\n");
    },
    [Symbol.asyncDispose]: end,
  };
}

/** What stands around a site's configuration. One process, so that it ends as a whole. */
function mainConfig(directory: string, site: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${directory}/${name};`);
  return `daemon off;
master_process off;
pid ${directory}/pid;
error_log stderr notice;
events { worker_connections 1024; }
http {
${temporary.join("\n")}
${site}
}
`;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
