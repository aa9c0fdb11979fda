/** Where Debian puts libfaketime. */
const PLACES = ["x86_64", "aarch64"].map((machine) =>
  `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`
);

const library = PLACES.find(exists);

/** Whether tests with wrong clocks have to be left out. True where there is no libfaketime, except in CI, where they fail instead. */
export const isWithoutFakeTime: boolean = library === undefined && !Deno.env.get("CI");
if (isWithoutFakeTime) {
  console.log(
    "No libfaketime: tests with wrong clocks are left out. Get it with `apt-get install faketime`.",
  );
}

/** The environment of a process whose clock is wrong by so many seconds. Durations are what they are. */
export function clockShiftedBy(seconds: number): Record<string, string> {
  if (library === undefined) return {};
  const FAKETIME = `${seconds < 0 ? "" : "+"}${seconds}s`;
  return { LD_PRELOAD: library, FAKETIME, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
