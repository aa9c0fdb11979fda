import { openStage, type StageOptions } from "./open_stage.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Something that runs the client. */
export interface Runtime extends AsyncDisposable {
  /** Such as `Node 22.23.3`; known once a scenario has run. */
  readonly version: string;
  /** Runs a scenario in the environment at an address. Rejects when it does not hold. */
  run(scenario: string, address: string): Promise<void>;
}

/** Source of a runtime. */
export interface RuntimeSuite {
  /** As in "the client on …". */
  readonly name: string;
  /** Another client than ours, such as `supabase-js 2.119.1`. */
  readonly client?: string;
  /** Names and variables of the scenarios. Default: those of our client. */
  readonly scenarios?: readonly Pick<Scenario, "name" | "env">[];
  readonly stage?: StageOptions;
  /** Downloads what has to be there, and prepares a folder, which is removed afterwards. */
  prepare(workplace: URL): Promise<Runtime>;
}

/** The scenarios on one runtime: a test whose steps are the same for all of them. */
export function runtimeSuite(
  { name, client = "the client", scenarios = SCENARIOS, stage: options, prepare }: RuntimeSuite,
): void {
  Deno.test(`${client} on ${name}`, {
    // esbuild and Chromium are processes of their own.
    sanitizeOps: false,
    sanitizeResources: false,
  }, async (t) => {
    // The real path: bundled programs are found by it.
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "realtime-runtime-" }));
    try {
      await using runtime = await prepare(new URL(`file://${folder}/`));
      for (const scenario of scenarios) {
        await t.step(scenario.name, async () => {
          await using stage = await openStage({ ...options, env: { ...options?.env, ...scenario.env } });
          await runtime.run(scenario.name, stage.address);
        });
      }
      console.log(`That was ${runtime.version}.`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
