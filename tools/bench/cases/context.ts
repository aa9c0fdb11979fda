import type { DenoBinary } from "../../support/processes/deno_binary.ts";
import type { NpmPeers } from "../harness/npm_peers.ts";
import type { PreparedProgram, Program } from "../harness/program.ts";
import type { TokenIssuer } from "../harness/tokens.ts";

/** Input of a case. */
export interface CaseContext {
  readonly deno: DenoBinary;
  readonly rounds: number;
  /** `all` also measures peers without a target. */
  readonly peers: "all" | "targets";
  readonly issuer: TokenIssuer;
  /** The function under test. */
  readonly ours: Program;
  /** Prepares a program for the Deno version of the case. */
  prepare(program: Program): Promise<PreparedProgram>;
  /** Returns the npm peers, installed at the first call of a run. */
  npmPeers(): Promise<NpmPeers>;
  /** Prints progress to stderr. */
  progress(text: string): void;
}

/** Program of the bench, by its path below tools/bench. */
export function benchProgram(name: string, path: string, env: Record<string, string> = {}): Program {
  return { name, entry: new URL(`../${path}`, import.meta.url).pathname, env };
}
