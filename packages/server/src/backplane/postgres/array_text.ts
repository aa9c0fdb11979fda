/**
 * Formats an array as a Postgres array literal. The client library could build arrays itself, but
 * would first query the server for its array types on every new connection.
 */
export function arrayText(items: readonly (string | number | null)[]): string {
  return `{${items.map((item) => item === null ? "NULL" : elementText(item)).join(",")}}`;
}

function elementText(item: string | number): string {
  return typeof item === "number" ? `${item}` : `"${item.replace(/[\\"]/g, "\\$&")}"`;
}
