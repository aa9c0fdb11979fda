import { clockShiftedBy } from "../isolates/shifted_clock.ts";

/** Wall clock of a process, which the test sets while the process runs. */
export interface SteppedClock extends AsyncDisposable {
  /** Environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets the wall clock to the true time plus some seconds. Durations stay correct. */
  set(seconds: number): Promise<void>;
}

/** Creates the clock at the true time. */
export async function createSteppedClock(): Promise<SteppedClock> {
  const file = await Deno.makeTempFile({ prefix: "clock_" });
  const set = (seconds: number) => Deno.writeTextFile(file, `${seconds < 0 ? "" : "+"}${seconds}s\n`);
  await set(0);
  const { FAKETIME: _, ...env } = clockShiftedBy(0);
  return {
    // libfaketime reads the file at each reading of the clock.
    env: { ...env, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1" },
    set,
    [Symbol.asyncDispose]: () => Deno.remove(file),
  };
}
