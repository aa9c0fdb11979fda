import type { Backplane, Retention } from "../../packages/server/src/backplane/contract.ts";

/** Options of all isolates of a world. */
export interface WorldOptions {
  readonly retention: Retention;
  /** Disconnect grace period for entries of a closed or dead backplane, in milliseconds. */
  readonly graceMs: number;
}

/**
 * Fixture: the isolates of one deployment, their store and their clock. Disposing closes all of
 * them.
 */
export interface TestWorld extends AsyncDisposable {
  /** Opens the backplane of another isolate. */
  open(): Promise<Backplane>;
  /**
   * Advances the clock. Due jobs have started when the promise resolves; their events may come
   * later.
   */
  advance(ms: number): Promise<void>;
  /**
   * Kills an isolate without `close`. Resolves once its lease has ended, so that the disconnect
   * grace period of its entries has started.
   */
  readonly kill?: (backplane: Backplane) => Promise<void>;
}

/** Creates an empty world. */
export type CreateWorld = (options: WorldOptions) => Promise<TestWorld>;

/** Implementation that a suite tests. */
export interface Subject {
  /** Name of the implementation, and prefix of the test names. */
  readonly name: string;
  readonly createWorld: CreateWorld;
  /** True if its worlds have `kill`. */
  readonly canKill: boolean;
  /** Random runs of each property. */
  readonly runs: number;
}

/** Default options. Times are long, so that the duration of a test does not matter. */
export const USUAL: WorldOptions = {
  retention: { messages: 1_000, ageMs: 3_600_000, dedupeMs: 120_000 },
  graceMs: 30_000,
};

/** Builds the default options with another retention. */
export function withRetention(retention: Partial<Retention>): WorldOptions {
  return { ...USUAL, retention: { ...USUAL.retention, ...retention } };
}

/** Registers a test with its own world. */
export function worldTest(
  { name, createWorld }: Subject,
  statement: string,
  run: (world: TestWorld) => Promise<void>,
  options: WorldOptions = USUAL,
): void {
  Deno.test(`${name}: ${statement}`, async () => {
    await using world = await createWorld(options);
    await run(world);
  });
}
