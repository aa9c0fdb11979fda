/** About a picture's time on the screen, in milliseconds. A timer, since a page that is not looked at draws no pictures. */
const PAUSE_MS = 16;

/**
 * What it returns can be called as often as one likes: the callback is called once, soon after, until the signal is aborted. Thousands
 * of messages may come at once, and to look after each one where the page now ends would take minutes.
 */
export function soon(callback: () => void, signal: AbortSignal): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return () => {
    if (timer !== undefined || signal.aborted) return;
    timer = setTimeout(() => {
      timer = undefined;
      callback();
    }, PAUSE_MS);
  };
}
