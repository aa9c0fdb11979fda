import type { Issuer } from "../../../packages/cli/dev/issuer.ts";
import type { DenoBinary } from "../../support/processes/deno_binary.ts";
import type { NpmPeers } from "../harness/npm_peers.ts";
import type { PreparedProgram, Program } from "../harness/program.ts";
import type { Measured } from "../report/line.ts";

/** Input of a case. */
export interface CaseContext {
  readonly deno: DenoBinary;
  readonly rounds: number;
  /** `all` also measures peers without a target. */
  readonly peers: "all" | "targets";
  readonly issuer: Issuer;
  /** The function under test. */
  readonly ours: Program;
  /** Prepares a program for the Deno version of the case. */
  prepare(program: Program): Promise<PreparedProgram>;
  /** Returns the npm peers, installed at the first call of a run. */
  npmPeers(): Promise<NpmPeers>;
  /** Prints progress to stderr. */
  progress(text: string): void;
}

/** Measures all figures of a case on one version of Deno. */
export type BenchCase = (context: CaseContext) => Promise<Measured[]>;

/** Program of the bench, by its path below tools/bench. */
export function benchProgram(name: string, path: string, env: Record<string, string> = {}): Program {
  return { name, entry: new URL(`../${path}`, import.meta.url).pathname, env };
}

/** Issues `count` tokens, each for another user. */
export function issueTokens(issuer: Issuer, count: number): Promise<string[]> {
  // Without a session: the bench has no Auth that could end it.
  const claims = { session_id: undefined };
  return Promise.all(Array.from({ length: count }, () => issuer.token(crypto.randomUUID(), { claims })));
}
