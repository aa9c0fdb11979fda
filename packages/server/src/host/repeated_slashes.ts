/** The shortest text before a path, `http://a`, is that long. */
const MIN_PATH_AT = 8;

/** Collapses repeated slashes in the path of an address; undefined if there are none. */
export function withoutRepeatedSlashes(url: string): string | undefined {
  const at = url.indexOf("//", MIN_PATH_AT);
  if (at < 0) return undefined;
  const queryAt = url.indexOf("?", MIN_PATH_AT);
  const end = queryAt < 0 ? url.length : queryAt;
  if (at > end) return undefined;
  return url.slice(0, at) + url.slice(at, end).replace(/\/{2,}/g, "/") + url.slice(end);
}
