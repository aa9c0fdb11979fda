/**
 * Whether arrays and objects are nested deeper than `max` levels. What is parsed from JSON has no cycles; a hostile value is as
 * deep as a frame is long, but this goes no deeper than `max`.
 */
export function isDeeperThan(value: unknown, max: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (max === 0) return true;
  for (const child of Object.values(value)) {
    if (isDeeperThan(child, max - 1)) return true;
  }
  return false;
}
