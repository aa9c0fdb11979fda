/** The used part of an event: `persisted` is true if the page goes into the back/forward cache. */
interface PageEvent {
  readonly type: string;
  readonly persisted?: boolean;
}
interface EventSource {
  addEventListener(
    type: string,
    listener: (event: PageEvent) => void,
    options: { signal: AbortSignal },
  ): void;
}
/** Event sources of a page. A worker or a server has fewer or none. */
interface Page extends Partial<EventSource> {
  readonly document?: EventSource;
}

/**
 * Calls back after page events during which a connection may have died unnoticed: visibility,
 * freeze, back/forward cache, network. `isHidden` is true if the page goes into the back/forward
 * cache, where its socket would stay open. Returns a function that ends it. Without a page it does
 * nothing.
 */
export function watchPageLifecycle(
  onChange: (isHidden: boolean) => void,
  page: Page = globalThis as Page,
): () => void {
  const controller = new AbortController();
  let isHidden = false;
  const listener = ({ type, persisted }: PageEvent) => {
    // Other events come before the page is frozen and right before it is shown.
    if (isHidden && type !== "pageshow") return;
    onChange(isHidden = type === "pagehide" && persisted === true);
  };
  const listen = (source: Partial<EventSource> | undefined, types: readonly string[]) => {
    for (const type of types) source?.addEventListener?.(type, listener, controller);
  };
  listen(page, ["online", "offline", "pageshow", "pagehide"]);
  listen(page.document, ["visibilitychange", "resume"]);
  return () => controller.abort();
}
