import { page } from "./platform.ts";

/**
 * Longest wait for a closing page, in milliseconds: after a reload the previous one may still
 * exist.
 */
const CLOSING_MS = 500;

let pageName: string | null | undefined;

/**
 * Returns the name of this page's Web Lock. The page holds the lock until it closes, so that other
 * pages know when to take over its messages. Null without Web Locks, as on pages without https. The
 * name does not wait for the lock: a page that is about to be reloaded has no time to lose.
 */
export function lockPage(): string | null {
  if (pageName !== undefined) return pageName;
  const locks = page.navigator?.locks;
  if (!locks) return pageName = null;
  pageName = `realtime-outbox:${crypto.randomUUID()}`;
  const untilClosed = () => new Promise<never>(() => {/* closing the page releases its locks */});
  locks.request(pageName, {}, untilClosed).catch(() => pageName = null);
  return pageName;
}

/** True if the page with this name has closed, or if there are no Web Locks to tell. */
export async function isPageGone(holder: string): Promise<boolean> {
  const locks = page.navigator?.locks;
  if (!locks) return true;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), CLOSING_MS);
  try {
    return await locks.request(
      holder,
      { mode: "shared", signal: timeout.signal },
      () => Promise.resolve(true),
    );
  } catch {
    return !timeout.signal.aborted;
  } finally {
    clearTimeout(timer);
  }
}
