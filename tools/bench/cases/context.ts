import type { DenoBinary } from "../../support/processes/deno_binary.ts";
import type { NpmPeers } from "../harness/npm_peers.ts";
import type { PreparedProgram, Program } from "../harness/program.ts";
import type { TokenIssuer } from "../harness/tokens.ts";

/** Input of a case. */
export interface CaseContext {
  readonly deno: DenoBinary;
  readonly rounds: number;
  /** `all` measures the peers without a target too. */
  readonly peers: "all" | "targets";
  readonly issuer: TokenIssuer;
  /** The function under test. */
  readonly ours: Program;
  /** Makes a program ready for this Deno version, or for another one. */
  prepare(program: Program, version?: string): Promise<PreparedProgram>;
  /** The peers that npm brings, installed at the first call of a run. */
  npmPeers(): Promise<NpmPeers>;
  /** Says on stderr what is going on. */
  progress(text: string): void;
}

/** A program of the bench's own, by its path below bench/. */
export function benchProgram(name: string, path: string, env: Record<string, string> = {}): Program {
  return { name, entry: new URL(`../${path}`, import.meta.url).pathname, env };
}
