import { page } from "./platform.ts";

/** How long a page that is going is waited for, in milliseconds: on a reload the one before may still be on its way out. */
const GOING_MS = 500;

let held: Promise<string | null> | undefined;

/**
 * The name under which this page holds messages: that of a Web Lock which it has for as long as it lives, so that other pages can tell
 * whether they may take its messages over. Null where there are no Web Locks, as on pages without https.
 */
export function holdPage(): Promise<string | null> {
  held ??= new Promise((resolve) => {
    const locks = page.navigator?.locks;
    if (!locks) return resolve(null);
    const name = `realtime-outbox:${crypto.randomUUID()}`;
    const untilTheEnd = () => {
      resolve(name);
      return new Promise<never>(() => {/* a page's end releases its locks */});
    };
    locks.request(name, {}, untilTheEnd).catch(() => resolve(null));
  });
  return held;
}

/** Whether the page that holds messages under this name has gone. Where that cannot be known it has. */
export async function hasGone(holder: string): Promise<boolean> {
  const locks = page.navigator?.locks;
  if (!locks) return true;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), GOING_MS);
  try {
    return await locks.request(
      holder,
      { mode: "shared", signal: patience.signal },
      () => Promise.resolve(true),
    );
  } catch {
    return !patience.signal.aborted;
  } finally {
    clearTimeout(timer);
  }
}
