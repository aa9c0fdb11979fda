import { findInstalled } from "../../tools/support/installed.ts";

const library = findInstalled({
  name: "libfaketime",
  tests: "tests with wrong clocks",
  hint: "Get it with `apt-get install faketime`",
  places: ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`),
});

/** True if tests with wrong clocks must be skipped; see `Found.isMissing`. */
export const isWithoutFakeTime: boolean = library.isMissing;

/** Environment of a process whose clock is wrong by some seconds. Durations stay correct. */
export function clockShiftedBy(seconds: number): Record<string, string> {
  const FAKETIME = `${seconds < 0 ? "" : "+"}${seconds}s`;
  return { LD_PRELOAD: library.path(), FAKETIME, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
}
