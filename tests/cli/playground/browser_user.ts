import { assertEquals } from "@std/assert";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { eventually } from "../../../tools/support/eventually.ts";

/** User, room and browser settings. */
export interface BrowserUserOptions {
  /** Opens `room` as this user. Without it, the page shows the form. */
  readonly user?: string;
  readonly room?: string;
  readonly colorScheme?: "light" | "dark";
  readonly viewport?: { readonly width: number; readonly height: number };
}

/** Limit of each wait for the page; the machine may be busy. */
const PATIENCE_MS = 20_000;

/** User with the playground open in a browser context of their own. `await using` closes it. */
export class BrowserUser implements AsyncDisposable {
  readonly page: Page;
  readonly #context: BrowserContext;
  /** Errors and warnings of the page, such as violations of the Content-Security-Policy. */
  readonly consoleErrors: string[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("pageerror", (error) => void this.consoleErrors.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      // Deno 2.1.4 sends a second close frame (docs/architecture.md), which Chromium reports.
      if (text.endsWith("Close received after close")) return;
      if (message.type() === "error" || message.type() === "warning") this.consoleErrors.push(text);
    });
  }

  /** Opens the playground. With a user, waits until the room is live. */
  static async open(
    browser: Browser,
    origin: string,
    options: BrowserUserOptions = {},
  ): Promise<BrowserUser> {
    const { user, room = "lobby", colorScheme = "light", viewport = { width: 1280, height: 800 } } = options;
    const context = await browser.newContext({
      colorScheme,
      viewport,
      reducedMotion: "reduce",
      locale: "en-GB",
      timezoneId: "UTC",
    });
    const browserUser = new BrowserUser(context, await context.newPage());
    await browserUser.page.goto(`${origin}/${user === undefined ? "" : `#room=${room}&user=${user}`}`);
    if (user !== undefined) await browserUser.waitForState("Live.");
    return browserUser;
  }

  /** State line of the connection panel. */
  get state(): Locator {
    return this.page.getByRole("region", { name: "Connection" }).getByRole("status");
  }

  get networkSwitch(): Locator {
    return this.page.getByRole("switch", { name: "Network" });
  }

  /** Waits for a state, such as `Live.` */
  async waitForState(text: string): Promise<void> {
    await this.state.filter({ hasText: text }).waitFor();
  }

  /** Writes a message and sends it. */
  async send(text: string): Promise<void> {
    const input = this.page.getByRole("textbox", { name: "Message" });
    await input.fill(text);
    await input.press("Enter");
  }

  /** Texts of the delivered messages, in the order of the page. */
  async texts(): Promise<string[]> {
    return await this.page.locator(".message:not(.unsent) .text").allInnerTexts();
  }

  /** Waits until the page shows exactly these messages. */
  async waitForTexts(expected: readonly string[]): Promise<void> {
    await eventually(() => this.texts(), (seen) => seen.length >= expected.length);
    assertEquals(await this.texts(), [...expected]);
  }

  /** Waits until the page shows a text. */
  async waitForText(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}
