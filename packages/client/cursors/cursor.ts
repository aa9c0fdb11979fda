/** A position, in units and from an origin that the application chooses. */
export interface CursorPosition {
  readonly x: number;
  readonly y: number;
}

/** Another member's cursor, as it is to be drawn now. */
export interface Cursor extends CursorPosition {
  /** The member's connection: a user with two tabs has two cursors. */
  readonly connection: string;
  readonly user: string;
}

/**
 * Data of the event that carries cursors, with no fields but these; null hides the cursor. An
 * endpoint with `events` needs a schema for it.
 */
export type CursorData = CursorPosition | null;

/** Largest coordinate, also below zero: differences of two stay finite and exact. */
const MAX_COORDINATE = 1e9;

/** True if both coordinates are numbers within the bounds. */
export function isCursorPosition(value: unknown): value is CursorPosition {
  if (typeof value !== "object" || value === null) return false;
  const { x, y } = value as Partial<CursorPosition>;
  return isCoordinate(x) && isCoordinate(y);
}

function isCoordinate(value: unknown): boolean {
  return typeof value === "number" && Math.abs(value) <= MAX_COORDINATE;
}
