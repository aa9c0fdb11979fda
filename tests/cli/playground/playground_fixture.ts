import type { Browser } from "playwright-core";
import { launchChromium } from "../../support/chromium.ts";
import { type DevServer, startDevServer } from "../../support/dev_server.ts";
import { BrowserUser, type BrowserUserOptions } from "./browser_user.ts";

/** Dev server and browser of a test. `await using` ends both. */
export class PlaygroundFixture implements AsyncDisposable {
  readonly #dev: DevServer;
  readonly browser: Browser;

  private constructor(dev: DevServer, browser: Browser) {
    this.#dev = dev;
    this.browser = browser;
  }

  /** Starts both; `env` is the dev server's environment. */
  static async open(env: Readonly<Record<string, string>> = {}): Promise<PlaygroundFixture> {
    const dev = await startDevServer(env);
    try {
      return new PlaygroundFixture(dev, await launchChromium());
    } catch (error) {
      await dev[Symbol.asyncDispose]();
      throw error;
    }
  }

  get origin(): string {
    return this.#dev.origin;
  }

  /** Opens the playground in a browser context of its own. */
  async openPage(options: BrowserUserOptions = {}): Promise<BrowserUser> {
    return await BrowserUser.open(this.browser, this.origin, options);
  }

  /** Gets a user's token from the dev server. */
  async token(user: string): Promise<string> {
    const response = await fetch(`${this.origin}/dev/token?user=${user}`);
    return (await response.text()).trim();
  }

  /** Publishes chat messages over HTTP. */
  async publish(user: string, room: string, texts: readonly string[]): Promise<void> {
    const token = await this.token(user);
    for (const text of texts) {
      const response = await fetch(`${this.origin}/realtime/rooms/${room}/messages`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ id: crypto.randomUUID(), event: "chat", data: { text } }),
      });
      if (response.status !== 201) throw new Error(await response.text());
      await response.body?.cancel();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await this.#dev[Symbol.asyncDispose]();
  }
}

/** Options of a test with a browser: Playwright and the bundler keep pipes and timers open. */
export const WITH_BROWSER = { sanitizeOps: false, sanitizeResources: false } as const;
