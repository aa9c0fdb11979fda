interface EventSource {
  addEventListener(type: string, listener: () => void, options: { signal: AbortSignal }): void;
}
/** What of a page is listened to; a worker or a server has less of it, or nothing. */
interface Page extends Partial<EventSource> {
  readonly document?: EventSource;
}

/**
 * Calls back whenever a connection may have died without anybody being told: the page is shown (or hidden) or thawed, it came back from the
 * back-forward cache, the network came or went. Returns what ends that. Where there is no page nothing happens.
 */
export function watchWakefulness(onWake: () => void, page: Page = globalThis as Page): () => void {
  const controller = new AbortController();
  const listen = (source: Partial<EventSource> | undefined, types: readonly string[]) => {
    for (const type of types) source?.addEventListener?.(type, onWake, controller);
  };
  listen(page, ["online", "offline", "pageshow"]);
  listen(page.document, ["visibilitychange", "resume"]);
  return () => controller.abort();
}
