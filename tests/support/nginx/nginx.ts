import { freePort } from "../../../tools/support/free_port.ts";
import { startServerProcess } from "../servers/server_process.ts";
import { nginxPath } from "./availability.ts";
import { nginxConfig } from "./nginx_config.ts";

/** nginx with the configuration of docs/deploy.md. `await using` ends it and removes its files. */
export interface Nginx extends AsyncDisposable {
  /** Address without a trailing slash. */
  readonly origin: string;
  /** Reads all logs. */
  logs(): Promise<string>;
}

/**
 * Starts nginx on a free port of 127.0.0.1.
 * @throws {Error} with its output when it ends instead
 */
export async function startNginx(upstreams: readonly [number, number]): Promise<Nginx> {
  const directory = await Deno.makeTempDir({ prefix: "rooms-nginx-" });
  const port = freePort();
  const config = await nginxConfig({ port, upstreams, logDirectory: directory });
  await Deno.writeTextFile(`${directory}/nginx.conf`, mainConfig(directory, config));
  const server = await startServerProcess({
    name: "nginx",
    command: [nginxPath(), "-e", "stderr", "-p", directory, "-c", `${directory}/nginx.conf`],
    cwd: directory,
    directory,
    // nginx logs this line after its sockets listen.
    listeningLine: "event method",
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    async logs() {
      const files = ["access.log", "error.log"].map((name) => Deno.readTextFile(`${directory}/${name}`));
      return [...server.lines, ...await Promise.all(files)].join("\n");
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Builds the main configuration around a site. One process, so that it ends completely. */
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
