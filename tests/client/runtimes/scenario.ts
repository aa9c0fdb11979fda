import type { Environment } from "./environment.ts";

/** A test for every runtime. It closes everything it opens, so that the program can end. */
export interface Scenario {
  /** A sentence; the test's name. */
  readonly name: string;
  /** Variables of the server. */
  readonly env?: Readonly<Record<string, string>>;
  /** Rejects when it does not hold. */
  run(environment: Environment): Promise<void>;
}
