const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };
const UNITS_BYTES: Readonly<Record<string, number>> = { KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 };

/**
 * Parses a duration such as `400s`, `500ms` or `2.5m`; returns milliseconds, above 0.
 * @throws {Error} naming the option
 */
export function parseDuration(option: string, text: string): number {
  return parseQuantity(text, UNITS_MS) ?? fail(option, "a time such as 400s, 500ms or 2m", text);
}

/** Parses a size such as `256MiB`; returns bytes, above 0. @throws {Error} naming the option */
export function parseBytes(option: string, text: string): number {
  return parseQuantity(text, UNITS_BYTES) ?? fail(option, "an amount of memory such as 256MiB", text);
}

/** Parses a whole number between bounds. @throws {Error} naming the option */
export function parseWhole(option: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  return value >= min && value <= max ? value : fail(option, `a whole number from ${min} to ${max}`, text);
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  const value = factor === undefined ? 0 : Number(digits) * factor;
  return value > 0 ? value : undefined;
}

function fail(option: string, what: string, text: string): never {
  throw new Error(`${option} takes ${what}, not ${text === "" ? "nothing" : text}.`);
}
