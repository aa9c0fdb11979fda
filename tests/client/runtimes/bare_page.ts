import { deadline } from "@std/async";
import type { Browser, CDPSession } from "playwright-core";
import type { PageCall } from "../page_controls.ts";
import type { PAGE_CONTROLS } from "./page_program.ts";

/** Longest wait for an answer of a tab, in milliseconds. */
const PATIENCE_MS = 15_000;

/** A tab of its own. */
export interface BarePage {
  /** Calls a function that the page's script offers. */
  readonly call: PageCall<typeof PAGE_CONTROLS>;
  /** Shows the tab, which hides the one that was shown. */
  show(): Promise<void>;
  /** Freezes or thaws the tab, as the browser does with hidden tabs on small machines. */
  setFrozen(isFrozen: boolean): Promise<void>;
}

/**
 * Tabs of one window like a user's. Playwright reports its own pages as always focused, so that
 * they are never hidden or frozen.
 */
export interface BareWindow {
  /** Opens a visible tab and waits for its script. Without an address the tab is empty. */
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
      // A nested protocol, since Playwright gives no session for a page that is not its own.
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

/** Message of a tab: the answer to a command, or an event. */
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

  /**
   * Sends a command and returns its answer.
   * @throws {Error} if it fails or gets no answer in time
   */
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
