import { EventSource as NpmEventSource } from "eventsource";
import type { Browser } from "playwright-core";

/** Everything that a client of an event stream has seen. */
export interface StreamView {
  /** Offsets of messages, and `gap`, in the order of arrival. */
  readonly seen: readonly (number | "gap")[];
  /** Number of errors; each is the end of a connection. */
  readonly errors: number;
  /** True if the client has given up for good: `readyState` 2. */
  readonly isClosed: boolean;
}

/** A client of an event stream. `await using` ends it. */
export interface StreamClient extends AsyncDisposable {
  readonly name: string;
  view(): Promise<StreamView>;
}

/** Opens npm's `eventsource`. */
export function openNpmEventSource(url: string): StreamClient {
  const seen: (number | "gap")[] = [];
  let errors = 0;
  const source = new NpmEventSource(url);
  source.onmessage = ({ data }) => {
    const { type, offset } = JSON.parse(data);
    if (type === "message") seen.push(offset);
    if (type === "gap") seen.push("gap");
  };
  source.onerror = () => void (errors += 1);
  return {
    name: "npm's eventsource",
    view: () => Promise.resolve({ seen: [...seen], errors, isClosed: source.readyState === 2 }),
    [Symbol.asyncDispose]() {
      source.close();
      return Promise.resolve();
    },
  };
}

/** Opens Chromium's EventSource in a page of its own. */
export async function openBrowserEventSource(browser: Browser, url: string): Promise<StreamClient> {
  const page = await browser.newPage();
  await page.evaluate(`
    const view = globalThis.view = { seen: [], errors: 0 };
    const source = globalThis.source = new EventSource(${JSON.stringify(url)});
    source.onmessage = ({ data }) => {
      const { type, offset } = JSON.parse(data);
      if (type === "message") view.seen.push(offset);
      if (type === "gap") view.seen.push("gap");
    };
    source.onerror = () => void (view.errors += 1);
  `);
  return {
    name: "Chromium",
    view: () => page.evaluate("({ ...view, isClosed: source.readyState === 2 })"),
    [Symbol.asyncDispose]: () => page.close(),
  };
}
