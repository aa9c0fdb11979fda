import type { Backplane, Retention } from "../../packages/server/src/backplane/contract.ts";

/** What the isolates of a world agree on. */
export interface WorldOptions {
  readonly retention: Retention;
  /** How long the entries of a backplane that was closed or has died linger, in milliseconds. */
  readonly graceMs: number;
}

/** The isolates of one deployment, with what they share, and its time. Ends with everything that was opened in it. */
export interface TestWorld extends AsyncDisposable {
  /** The backplane of one more isolate. */
  open(): Promise<Backplane>;
  /** Lets time pass. Whatever is due by then has begun when it resolves; its events may come later. */
  advance(ms: number): Promise<void>;
  /** An isolate dies without `close`. Resolves when the others can know of it: from then on its entries linger. */
  readonly kill?: (backplane: Backplane) => Promise<void>;
}

/** Makes a world in which nothing has happened yet. */
export type CreateWorld = (options: WorldOptions) => Promise<TestWorld>;

/** What a suite is run on. */
export interface Subject {
  /** What is tested; the names of the tests begin with it. */
  readonly name: string;
  readonly createWorld: CreateWorld;
  /** Whether its worlds have `kill`. */
  readonly canKill: boolean;
  /** How many random runs a property is tried with. */
  readonly runs: number;
}

/** What tests run with that do not care. Times are long, so that the time that tests take themselves does not matter. */
export const USUAL: WorldOptions = {
  retention: { messages: 1_000, ageMs: 3_600_000, dedupeMs: 120_000 },
  graceMs: 30_000,
};

/** The usual options with another retention. */
export function withRetention(retention: Partial<Retention>): WorldOptions {
  return { ...USUAL, retention: { ...USUAL.retention, ...retention } };
}

/** Registers a test that gets a world of its own, with the usual options unless there are others. */
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
