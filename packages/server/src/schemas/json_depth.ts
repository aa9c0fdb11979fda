/**
 * True if arrays and objects are nested deeper than `max` levels. Parsed JSON has no cycles. The
 * recursion ends at `max`, since a hostile frame may nest one level per byte.
 */
export function isDeeperThan(value: unknown, max: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (max === 0) return true;
  for (const child of Object.values(value)) {
    if (isDeeperThan(child, max - 1)) return true;
  }
  return false;
}
