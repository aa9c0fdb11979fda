import { deadline } from "@std/async";
import type { Browser, CDPSession } from "playwright-core";
import type { PageCall } from "../page_controls.ts";
import type { PAGE_CONTROLS } from "./page_program.ts";

/** How long a tab may take to answer. */
const PATIENCE_MS = 15_000;

/** A tab of its own. */
export interface BarePage {
  /** Calls a function that the page's script offers. */
  readonly call: PageCall<typeof PAGE_CONTROLS>;
  /** Shows the tab, which hides the one that was shown. */
  show(): Promise<void>;
  /** What the browser does with a tab that was hidden for a while on a small machine: freezes it, and thaws it again. */
  setFrozen(isFrozen: boolean): Promise<void>;
}

/**
 * Tabs of one window that are as a user's. Of its own pages Playwright says that they are always focused, which keeps them from being
 * hidden, and so from being frozen.
 */
export interface BareWindow {
  /** Opens a tab, which is shown, and waits until its script has run. Without an address it is empty. */
  open(address?: string): Promise<BarePage>;
}

/** Opens a window without tabs; it ends with the browser. */
export async function openBareWindow(browser: Browser): Promise<BareWindow> {
  const session = await browser.newBrowserCDPSession();
  const { browserContextId } = await session.send("Target.createBrowserContext");
  return {
    async open(address) {
      const { targetId } = await session.send("Target.createTarget", {
        url: "about:blank",
        browserContextId,
      });
      // The protocol within the protocol: Playwright gives no session of a page that is not its own.
      const { sessionId } = await session.send("Target.attachToTarget", { targetId, flatten: false });
      const tab = new TabSession(session, sessionId);
      if (address !== undefined) {
        await tab.send("Page.enable", {});
        const loaded = tab.event("Page.loadEventFired");
        await tab.send("Page.navigate", { url: address });
        await loaded;
      }
      return pageOf(tab, () => session.send("Target.activateTarget", { targetId }));
    },
  };
}

/** An answer, as far as it is looked at. */
interface Answer {
  readonly result?: { readonly value?: unknown };
  readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
}

/** What a tab says: the answer to a command, or an event. */
interface TabMessage {
  readonly id?: number;
  readonly method?: string;
  readonly result?: Answer;
  readonly error?: unknown;
}

function pageOf(tab: TabSession, activate: () => Promise<unknown>): BarePage {
  return {
    call: async (name, ...values) => {
      const expression = `controls[${JSON.stringify(name)}](...${JSON.stringify(values)})`;
      const answer = await tab.send("Runtime.evaluate", {
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception?.description ?? name);
      // As the function of that name returns it: both ends are compiled together.
      return answer.result?.value as never;
    },
    async show() {
      await activate();
    },
    async setFrozen(isFrozen) {
      await tab.send("Page.setWebLifecycleState", { state: isFrozen ? "frozen" : "active" });
    },
  };
}

/** Commands to one tab. */
class TabSession {
  readonly #session: CDPSession;
  readonly #sessionId: string;
  readonly #waiting = new Set<(message: TabMessage) => void>();
  #lastId = 0;

  constructor(session: CDPSession, sessionId: string) {
    this.#session = session;
    this.#sessionId = sessionId;
    session.on("Target.receivedMessageFromTarget", (event) => {
      if (event.sessionId !== sessionId) return;
      const message: TabMessage = JSON.parse(event.message);
      for (const look of this.#waiting) look(message);
    });
  }

  /** Sends a command, and returns what it is answered with. @throws {Error} when it fails, or is not answered in time */
  async send(method: string, params: Readonly<Record<string, unknown>>): Promise<Answer> {
    const id = ++this.#lastId;
    const answer = this.#message((message) => message.id === id);
    const message = JSON.stringify({ id, method, params });
    await this.#session.send("Target.sendMessageToTarget", { sessionId: this.#sessionId, message });
    const { result, error } = await answer;
    if (!result) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  /** Waits for an event that comes from now on. */
  async event(method: string): Promise<void> {
    await this.#message((message) => message.method === method);
  }

  async #message(isIt: (message: TabMessage) => boolean): Promise<TabMessage> {
    const { promise, resolve } = Promise.withResolvers<TabMessage>();
    const look = (message: TabMessage) => void (isIt(message) && resolve(message));
    this.#waiting.add(look);
    try {
      return await deadline(promise, PATIENCE_MS);
    } finally {
      this.#waiting.delete(look);
    }
  }
}
