import { findInstalled } from "../../tools/support/installed.ts";

const library = findInstalled({
  name: "libfaketime",
  tests: "tests with wrong clocks",
  hint: "Get it with `apt-get install faketime`",
  places: ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`),
});

/** Whether tests with wrong clocks have to be left out; see `Found.isMissing`. */
export const isWithoutFakeTime: boolean = library.isMissing;

/** The environment of a process whose clock is wrong by so many seconds. Durations are what they are. */
export function clockShiftedBy(seconds: number): Record<string, string> {
  const FAKETIME = `${seconds < 0 ? "" : "+"}${seconds}s`;
  return { LD_PRELOAD: library.path(), FAKETIME, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
}
