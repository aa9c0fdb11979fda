import type { Issuer } from "../../../packages/cli/dev/issuer.ts";
import type { DenoBinary } from "../../support/processes/deno_binary.ts";
import type { NpmPeers } from "../harness/npm_peers.ts";
import type { PreparedProgram, Program } from "../harness/program.ts";
import type { Measured } from "../report/line.ts";

/** Input of a case. */
export interface CaseContext {
  readonly deno: DenoBinary;
  readonly rounds: number;
  /** True to measure peers without a target too. */
  readonly hasAllPeers: boolean;
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

/** True if the case's version of Deno is that of this process, where clients of stores run. */
export function isOwnDeno({ deno, progress }: CaseContext): boolean {
  const isOwn = deno.version === Deno.version.deno;
  if (!isOwn) progress("left out: run the bench on this version");
  return isOwn;
}

/** Issues `count` tokens, each for another user. */
export function issueTokens(issuer: Issuer, count: number): Promise<string[]> {
  // Without a session: the bench has no Auth that could end it.
  const claims = { session_id: undefined };
  return Promise.all(Array.from({ length: count }, () => issuer.token(crypto.randomUUID(), { claims })));
}
