import { eventually } from "../../../tools/support/eventually.ts";
import { freePort } from "../../../tools/support/free_port.ts";
import { findInstalled, type Found } from "../../../tools/support/installed.ts";
import { ChildLines } from "../../../tools/support/processes/child_lines.ts";
import { isWithoutNginx } from "../nginx/availability.ts";
import { startNginx } from "../nginx/nginx.ts";
import { documentedConfig, type Replacement } from "./documented_config.ts";

/** Proxy configured as docs/deploy.md says. `await using` ends it and removes its files. */
export interface Proxy extends AsyncDisposable {
  /** Address without a trailing slash. */
  readonly origin: string;
  /** Reads all logs. */
  logs(): Promise<string>;
}

/** A proxy that docs/deploy.md documents. */
export interface DocumentedProxy {
  readonly name: string;
  /** True if its tests must be skipped; see `Found.isMissing`. */
  readonly isMissing: boolean;
  /** Starts it in front of two processes on these ports of 127.0.0.1. */
  start(upstreams: readonly [number, number]): Promise<Proxy>;
}

/** Values of one start. */
interface Place {
  readonly port: number;
  readonly directory: string;
}

/** Program, and the changes to its documented configuration for a test. */
interface Program {
  readonly name: string;
  readonly language: string;
  readonly replacements: (place: Place) => readonly Replacement[];
  /** Completes the configuration; by default it is complete. */
  readonly complete?: (config: string, place: Place) => string;
  readonly args: (file: string, place: Place) => readonly string[];
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  haproxy: {
    name: "HAProxy",
    language: "haproxy",
    replacements: ({ port }) => [
      ["bind :80", `bind 127.0.0.1:${port}`],
      ["log /dev/log local0", "log stdout format raw local0"],
    ],
    args: (file) => ["-db", "-f", file],
  },
  caddy: {
    name: "Caddy",
    language: "caddy",
    replacements: ({ port }) => [
      // Its administration has a port of its own, the same for all processes.
      ["{\n  servers {", "{\n  admin off\n  servers {"],
      [":80 {", `http://127.0.0.1:${port} {`],
    ],
    args: (file) => ["run", "--config", file, "--adapter", "caddyfile"],
  },
  apache2: {
    name: "Apache",
    language: "apache",
    replacements: ({ directory }) => [["/var/log/apache2/realtime.log", `${directory}/access.log`]],
    complete: (config, place) => apacheConfig(config, place),
    // One process, so that it ends completely.
    args: (file) => ["-X", "-f", file],
  },
};

/** nginx, HAProxy, Caddy and Apache. */
export const DOCUMENTED_PROXIES: readonly DocumentedProxy[] = [
  { name: "nginx", isMissing: isWithoutNginx, start: startNginx },
  ...Object.entries(PROGRAMS).map(([program, description]): DocumentedProxy => {
    const found = findProgram(program, description.name);
    return {
      name: description.name,
      isMissing: found.isMissing,
      start: (upstreams) => startProxy(description, found.path(), upstreams),
    };
  }),
];

function findProgram(program: string, name: string): Found {
  const variable = program.toUpperCase();
  return findInstalled({
    name,
    tests: "its tests",
    hint: `Get it with \`apt-get install ${program}\`, or name one in ${variable}`,
    places: [
      Deno.env.get(variable),
      `/usr/sbin/${program}`,
      `/usr/bin/${program}`,
      `/usr/local/bin/${program}`,
    ],
  });
}

async function startProxy(
  { name, language, replacements, complete, args }: Program,
  path: string,
  [first, second]: readonly [number, number],
): Promise<Proxy> {
  const place = { port: freePort(), directory: await Deno.makeTempDir({ prefix: `rooms-${language}-` }) };
  const config = await documentedConfig(language, [
    ...["127.0.0.1:8001", "127.0.0.1:8002"].map((from, index): Replacement => [
      from,
      `127.0.0.1:${index === 0 ? first : second}`,
    ]),
    ...replacements(place),
  ]);
  const file = `${place.directory}/config`;
  await Deno.writeTextFile(file, complete?.(config, place) ?? config);
  const child = new ChildLines({ path, args: args(file, place), cwd: place.directory }, { name });
  const proxy: Proxy = {
    origin: `http://127.0.0.1:${place.port}`,
    async logs() {
      const files = await Promise.all(
        ["access.log", "error.log"].map((log) =>
          Deno.readTextFile(`${place.directory}/${log}`).catch(() => "")
        ),
      );
      return [...child.stdout, ...child.stderr, ...files].join("\n");
    },
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await Deno.remove(place.directory, { recursive: true });
    },
  };
  try {
    await eventually(() => status(`${proxy.origin}/realtime/health/ready`), (code) => code === 200, 20_000);
    return proxy;
  } catch (cause) {
    const logs = await proxy.logs();
    await proxy[Symbol.asyncDispose]();
    throw new Error(`${name} did not start:\n${logs}`, { cause });
  }
}

async function status(url: string): Promise<number> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  }
}

/** Builds the main configuration around a site. */
function apacheConfig(site: string, { port, directory }: Place): string {
  const modules = [
    "mpm_event",
    "authz_core",
    "proxy",
    "proxy_http",
    "proxy_balancer",
    "proxy_hcheck",
    "lbmethod_byrequests",
    "slotmem_shm",
    "reqtimeout",
  ];
  return `ServerRoot ${directory}
DefaultRuntimeDir ${directory}
PidFile ${directory}/pid
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
User www-data
Group www-data
ErrorLog ${directory}/error.log
${site}`;
}
