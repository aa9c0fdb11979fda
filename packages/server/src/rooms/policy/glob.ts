/**
 * True if `text` matches a pattern: `*` stands for any characters or none, `?` for one. Takes at
 * most time proportional to the product of both lengths.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let from = 0;
  // Position of the last star, to retry from when the characters behind it do not match.
  let star = -1;
  let retryAt = 0;
  while (at < text.length) {
    const wanted = pattern[from];
    if (wanted === "*") {
      star = from++;
      retryAt = at;
    } else if (wanted === "?" || wanted === text[at]) {
      from++;
      at++;
    } else if (star >= 0) {
      from = star + 1;
      at = ++retryAt;
    } else return false;
  }
  while (pattern[from] === "*") from++;
  return from === pattern.length;
}
