import { dirname } from "node:path";
import type { PreparedProgram, Program } from "./program.ts";

/** Packages of the peers that are not Deno. They are no dependencies of this repository. */
const PACKAGES = {
  bun: "1.4.5",
  /** Node itself, so that a line names the same version on every machine. */
  node: "24.21.0",
  "socket.io": "4.8.3",
  /** Accelerator that the documentation of Socket.IO recommends; it loads it by itself. */
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
 * @throws {Error} if npm fails
 */
export async function installNpmPeers(directory: string): Promise<NpmPeers> {
  const specs = Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`);
  const args = ["install", "--no-audit", "--no-fund", "--prefix", directory, ...specs];
  const { success, stderr } = await new Deno.Command("npm", { args, cwd: "/tmp" }).output();
  if (!success) throw new Error(`npm install: ${new TextDecoder().decode(stderr).slice(-1_000)}`);
  const prepare = (
    { name, entry, env }: Program,
    runner: "bun" | "node",
    args: string[],
  ): PreparedProgram => ({
    name,
    command: {
      // The links in `.bin` are native programs, not scripts.
      path: `${directory}/node_modules/.bin/${runner}`,
      args: [...args, entry],
      cwd: dirname(entry),
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        HOME: directory,
        NODE_ENV: "production",
        NPM_DIRECTORY: directory,
        ...env,
      },
    },
  });
  return {
    bun: (program) => prepare(program, "bun", ["run", "--no-install"]),
    node: (program) => prepare(program, "node", []),
  };
}
