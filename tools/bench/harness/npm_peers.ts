import { dirname } from "node:path";
import type { ChildCommand } from "../../support/processes/child_lines.ts";
import type { PreparedProgram, Program } from "./program.ts";

/** The peers that are not Deno, and what they are made of: kept out of this repository's own dependencies. */
const PACKAGES = {
  bun: "1.4.5",
  /** Node itself, so that a line can say what was measured, on every machine. */
  node: "24.21.0",
  "socket.io": "4.8.3",
  ws: "8.23.0",
  /** What the documentation of ws and of Socket.IO names to make both faster; they find it by themselves. */
  bufferutil: "4.1.0",
} as const;

/** What lines call the peers. */
export const PEER_VERSIONS = {
  bun: `Bun ${PACKAGES.bun}`,
  socketIo: `Socket.IO ${PACKAGES["socket.io"]}, Node ${PACKAGES.node}`,
  ws: `ws ${PACKAGES.ws}, Node ${PACKAGES.node}`,
} as const;

/** Runs the peers that npm brings. */
export interface NpmPeers {
  bun(program: Program): PreparedProgram;
  /** A program that finds its packages below the directory in NPM_DIRECTORY. */
  node(program: Program): PreparedProgram;
}

/**
 * Installs the peers' packages in `directory`.
 *
 * @throws {Error} when npm fails, or what it installed does not run.
 */
export async function installNpmPeers(directory: string): Promise<NpmPeers> {
  const specs = Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`);
  await output("npm", ["install", "--no-audit", "--no-fund", "--prefix", directory, ...specs]);
  const bun = await findProgram(directory, "bun");
  const node = await findProgram(directory, "node");
  const prepare = ({ name, entry, env }: Program, path: string, args: string[]): PreparedProgram => {
    const command: ChildCommand = {
      path,
      args: [...args, entry],
      cwd: dirname(entry),
      env: { PATH: Deno.env.get("PATH") ?? "", HOME: directory, NODE_ENV: "production", ...env },
    };
    return { name, command };
  };
  return {
    bun: (program) => prepare(program, bun, ["run", "--no-install"]),
    node: (program) => prepare({ ...program, env: { ...program.env, NPM_DIRECTORY: directory } }, node, []),
  };
}

/** The links that install scripts leave are programs of their own, not scripts around one. */
async function findProgram(directory: string, name: "bun" | "node"): Promise<string> {
  const path = `${directory}/node_modules/.bin/${name}`;
  const version = (await output(path, ["--version"])).replace(/^v/, "");
  if (version !== PACKAGES[name]) throw new Error(`${name} ${version} instead of ${PACKAGES[name]}`);
  return path;
}

async function output(command: string, args: string[]): Promise<string> {
  const decoder = new TextDecoder();
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd: "/tmp" }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${decoder.decode(stderr).slice(-1_000)}`);
  return decoder.decode(stdout).trim();
}
