import { dirname } from "node:path";
import type { ChildCommand } from "../../support/processes/child_lines.ts";
import type { PreparedProgram, Program } from "./program.ts";

/** Packages of the peers that are not Deno. They are no dependencies of this repository. */
const PACKAGES = {
  bun: "1.4.5",
  /** Node itself, so that a line names the same version on every machine. */
  node: "24.21.0",
  "socket.io": "4.8.3",
  /**
   * Accelerator that the documentation of ws and Socket.IO recommends; both load it by themselves.
   */
  bufferutil: "4.1.0",
} as const;

/** Names of the peers in lines. */
export const PEER_VERSIONS = {
  bun: `Bun ${PACKAGES.bun}`,
  socketIo: `Socket.IO ${PACKAGES["socket.io"]}, Node ${PACKAGES.node}`,
} as const;

/** Prepares programs of the npm peers. */
export interface NpmPeers {
  bun(program: Program): PreparedProgram;
  /** Prepares a program that loads its packages from the directory in NPM_DIRECTORY. */
  node(program: Program): PreparedProgram;
}

/**
 * Installs the peers' packages in `directory`.
 * @throws {Error} if npm fails, or an installed program does not run
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

/** Finds a program and checks its version. The links in `.bin` are native programs, not scripts. */
async function findProgram(directory: string, name: "bun" | "node"): Promise<string> {
  const path = `${directory}/node_modules/.bin/${name}`;
  const version = (await output(path, ["--version"])).replace(/^v/, "");
  if (version !== PACKAGES[name]) {
    throw new Error(`npm installed ${name} ${version} instead of ${PACKAGES[name]}`);
  }
  return path;
}

async function output(command: string, args: string[]): Promise<string> {
  const decoder = new TextDecoder();
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd: "/tmp" }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${decoder.decode(stderr).slice(-1_000)}`);
  return decoder.decode(stdout).trim();
}
