import type { World } from "./world.ts";

/** Something that holds on every runtime. It closes what it opens, and leaves nothing that would keep a program from ending. */
export interface Scenario {
  /** A sentence; the test's name. */
  readonly name: string;
  /** Variables of the server. */
  readonly env?: Readonly<Record<string, string>>;
  /** Rejects when it does not hold. */
  run(world: World): Promise<void>;
}
