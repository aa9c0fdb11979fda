import type { Browser } from "playwright-core";
import { launchChromium } from "../../support/chromium.ts";
import { type DevServer, startDevServer } from "../../support/dev_server.ts";
import { Visitor, type VisitorOptions } from "./visitor.ts";

/** The dev server and a browser. `await using` ends both. */
export class Stage implements AsyncDisposable {
  readonly #dev: DevServer;
  readonly browser: Browser;

  private constructor(dev: DevServer, browser: Browser) {
    this.#dev = dev;
    this.browser = browser;
  }

  /** Starts both; `env` is the dev server's. */
  static async open(env: Readonly<Record<string, string>> = {}): Promise<Stage> {
    const dev = await startDevServer(env);
    try {
      return new Stage(dev, await launchChromium());
    } catch (error) {
      await dev[Symbol.asyncDispose]();
      throw error;
    }
  }

  get origin(): string {
    return this.#dev.origin;
  }

  /** Somebody opens the playground. */
  async visitor(options: VisitorOptions = {}): Promise<Visitor> {
    return await Visitor.open(this.browser, this.origin, options);
  }

  /** A token of the dev server. */
  async token(user: string): Promise<string> {
    const response = await fetch(`${this.origin}/dev/token?user=${user}`);
    return (await response.text()).trim();
  }

  /** Publishes over HTTP. */
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

/** Of a test with a browser: playwright and the bundler keep pipes and timers of their own. */
export const WITH_BROWSER = { sanitizeOps: false, sanitizeResources: false } as const;
