interface EventSource {
  addEventListener(type: string, listener: () => void, options: { signal: AbortSignal }): void;
}
/** Event sources of a page. A worker or a server has fewer or none. */
interface Page extends Partial<EventSource> {
  readonly document?: EventSource;
}

/**
 * Calls back after page events during which a connection may have died unnoticed: visibility,
 * freeze, back/forward cache, network. Returns a function that ends it. Without a page it does
 * nothing.
 */
export function watchPageLifecycle(onWake: () => void, page: Page = globalThis as Page): () => void {
  const controller = new AbortController();
  const listen = (source: Partial<EventSource> | undefined, types: readonly string[]) => {
    for (const type of types) source?.addEventListener?.(type, onWake, controller);
  };
  listen(page, ["online", "offline", "pageshow"]);
  listen(page.document, ["visibilitychange", "resume"]);
  return () => controller.abort();
}
