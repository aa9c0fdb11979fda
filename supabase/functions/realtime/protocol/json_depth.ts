/**
 * Whether arrays and objects are nested deeper than `max` levels. What is parsed from JSON has no cycles; a walk without
 * recursion, since a hostile value is as deep as a frame is long.
 */
export function isDeeperThan(value: unknown, max: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const one of level) {
      if (typeof one !== "object" || one === null) continue;
      if (depth >= max) return true;
      for (const child of Object.values(one)) {
        if (typeof child === "object" && child !== null) next.push(child);
      }
    }
    level = next;
  }
  return false;
}
