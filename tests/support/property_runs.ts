/**
 * fast-check with as many runs of each property as asked: `PROPERTY_RUNS_FACTOR=10` makes ten times
 * the usual number.
 */
import * as fc from "npm-fast-check";

export * from "npm-fast-check";

const DEFAULT_RUNS = 100;
const factor = Number(Deno.env.get("PROPERTY_RUNS_FACTOR") ?? 1);

export function assert<Values>(
  property: fc.IAsyncProperty<Values>,
  options?: fc.Parameters<Values>,
): Promise<void>;
export function assert<Values>(property: fc.IProperty<Values>, options?: fc.Parameters<Values>): void;
export function assert<Values>(
  property: fc.IAsyncProperty<Values> | fc.IProperty<Values>,
  options?: fc.Parameters<Values>,
): Promise<void> | void {
  return fc.assert(property, { ...options, numRuns: factor * (options?.numRuns ?? DEFAULT_RUNS) });
}
