/** Counts the occurrences of a marker in `bytes` from `start` to before `end`. */
type CountMarker = (bytes: Uint8Array, start: number, end: number) => number;

/**
 * Creates a counter for an ASCII marker with Horspool's algorithm, which skips most bytes. The
 * deliveries of a thousand members are counted without decoding.
 */
export function createMarkerCounter(marker: string): CountMarker {
  const wanted = new TextEncoder().encode(marker);
  const last = wanted.length - 1;
  const skips = new Uint8Array(256).fill(wanted.length);
  for (let index = 0; index < last; index++) skips[wanted[index] ?? 0] = last - index;

  return (bytes, start, end) => {
    let count = 0;
    let at = start + last;
    while (at < end) {
      let matched = 0;
      while (matched <= last && bytes[at - matched] === wanted[last - matched]) matched++;
      if (matched > last) {
        count++;
        at += wanted.length;
      } else {
        at += skips[bytes[at] ?? 0] ?? 1;
      }
    }
    return count;
  };
}
