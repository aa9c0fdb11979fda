/** Direction of bytes through the proxy. */
export type Direction = "toClient" | "toServer";

export const DIRECTIONS: readonly Direction[] = ["toClient", "toServer"];

/** One number for both directions, or one for some of them. */
export type PerDirection = number | { readonly [D in Direction]?: number };

/** Returns the value of one direction. */
export function inDirection(value: PerDirection | undefined, direction: Direction): number | undefined {
  return typeof value === "number" ? value : value?.[direction];
}
