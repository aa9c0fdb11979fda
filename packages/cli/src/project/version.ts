/** Version of a vendored engine, from the first line of its README; undefined without one. */
export function versionOf(readme: string | undefined): string | undefined {
  return readme?.match(/^# Realtime Edge (\d+\.\d+\.\d+\S*)/)?.[1];
}

/** Compares versions by their numbers: negative if the first is older. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [numbersOf(one), numbersOf(other)];
  for (let at = 0; at < 3; at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** True if a pin is the wanted version, or a later one with the same first number. */
export function satisfies(pin: string, wanted: string): boolean {
  return numbersOf(pin)[0] === numbersOf(wanted)[0] && compareVersions(pin, wanted) >= 0;
}

function numbersOf(version: string): number[] {
  return (version.match(/\d+/g) ?? []).slice(0, 3).map(Number);
}
