/**
 * Whether `text` is what a pattern describes: `*` stands for any characters, none too, `?` for one. Takes time in proportion to
 * the two lengths multiplied at worst, whatever the pattern.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let from = 0;
  // Where to go on when the characters after the last star turn out not to fit.
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
