/** What of a page is looked at; a worker or a server has less of it, or nothing. */
interface Page extends Partial<EventSource> {
  readonly document?: EventSource & { readonly visibilityState: string };
}
interface EventSource {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

/** Of a window: the network came or went, the page came back from the back-forward cache or from being frozen. */
const WINDOW_EVENTS = ["online", "offline", "pageshow"];

/**
 * Calls back whenever a connection may have died without anybody being told: the page is shown again or thawed, the network came
 * back or went away. Returns what ends that. Where there is no page nothing happens.
 */
export function watchWakefulness(onWake: () => void, page: Page = globalThis as Page): () => void {
  const { document } = page;
  const onVisibility = () => {
    if (document?.visibilityState === "visible") onWake();
  };
  for (const type of WINDOW_EVENTS) page.addEventListener?.(type, onWake);
  document?.addEventListener("visibilitychange", onVisibility);
  document?.addEventListener("resume", onWake);
  return () => {
    for (const type of WINDOW_EVENTS) page.removeEventListener?.(type, onWake);
    document?.removeEventListener("visibilitychange", onVisibility);
    document?.removeEventListener("resume", onWake);
  };
}
