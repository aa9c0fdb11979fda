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
  node: `Socket.IO ${PACKAGES["socket.io"]}, Node ${PACKAGES.node}`,
} as const;

/** Prepares a program; those of Node load their packages from the directory in NPM_DIRECTORY. */
export type NpmPeers = (runner: keyof typeof PEER_VERSIONS, program: Program) => PreparedProgram;

/**
 * Installs the peers' packages in `directory`.
 * @throws {Error} if npm fails
 */
export async function installNpmPeers(directory: string): Promise<NpmPeers> {
  const specs = Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`);
  const args = ["install", "--no-audit", "--no-fund", "--prefix", directory, ...specs];
  const { success, stderr } = await new Deno.Command("npm", { args, cwd: "/tmp" }).output();
  if (!success) throw new Error(`npm install: ${new TextDecoder().decode(stderr).slice(-1_000)}`);
  const PATH = Deno.env.get("PATH") ?? "";
  return (runner, { name, entry, env }) => ({
    name,
    command: {
      // The links in `.bin` are native programs, not scripts.
      path: `${directory}/node_modules/.bin/${runner}`,
      args: [...runner === "bun" ? ["run", "--no-install"] : [], entry],
      cwd: dirname(entry),
      env: { PATH, HOME: directory, NODE_ENV: "production", NPM_DIRECTORY: directory, ...env },
    },
  });
}
