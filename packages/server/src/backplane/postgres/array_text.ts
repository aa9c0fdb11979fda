/**
 * An array as Postgres reads it from text. The client library would ask the server for its array types on each new connection
 * to make one itself.
 */
export function arrayText(items: readonly (string | number | null)[]): string {
  return `{${items.map((item) => item === null ? "NULL" : elementText(item)).join(",")}}`;
}

function elementText(item: string | number): string {
  return typeof item === "number" ? `${item}` : `"${item.replace(/[\\"]/g, "\\$&")}"`;
}
