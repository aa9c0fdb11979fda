import { assertEquals } from "@std/assert";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { eventually } from "../../../tools/support/eventually.ts";

/** Who comes, and with what eyes. */
export interface VisitorOptions {
  /** Goes straight into `room` as this user; without it the form is shown. */
  readonly user?: string;
  readonly room?: string;
  readonly colorScheme?: "light" | "dark";
  readonly viewport?: { readonly width: number; readonly height: number };
}

/** How long a page may take for anything; the machine may be busy. */
const PATIENCE_MS = 20_000;

/** Somebody with a browser of their own who has the playground open. `await using` closes it. */
export class Visitor implements AsyncDisposable {
  readonly page: Page;
  readonly #context: BrowserContext;
  /** What the console complained of: errors, warnings, what the Content-Security-Policy kept out. */
  readonly complaints: string[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("pageerror", (error) => void this.complaints.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      // Deno 2.1.4 sends a second close frame (docs/architecture.md); Chromium says so whenever the server has closed.
      if (text.endsWith("Close received after close")) return;
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(text);
    });
  }

  /** Opens the playground; with a user, waits until the room is live. */
  static async open(browser: Browser, origin: string, options: VisitorOptions = {}): Promise<Visitor> {
    const { user, room = "lobby", colorScheme = "light", viewport = { width: 1280, height: 800 } } = options;
    const context = await browser.newContext({
      colorScheme,
      viewport,
      reducedMotion: "reduce",
      locale: "en-GB",
      timezoneId: "UTC",
    });
    const visitor = new Visitor(context, await context.newPage());
    await visitor.page.goto(`${origin}/${user === undefined ? "" : `#room=${room}&user=${user}`}`);
    if (user !== undefined) await visitor.untilState("Live.");
    return visitor;
  }

  /** The line that says where the connection is. */
  get state(): Locator {
    return this.page.getByRole("region", { name: "Connection" }).getByRole("status");
  }

  get networkSwitch(): Locator {
    return this.page.getByRole("switch", { name: "Network" });
  }

  /** Waits for a state, such as `Live.` */
  async untilState(text: string): Promise<void> {
    await this.state.filter({ hasText: text }).waitFor();
  }

  /** Writes something and sends it. */
  async say(text: string): Promise<void> {
    const input = this.page.getByRole("textbox", { name: "Message" });
    await input.fill(text);
    await input.press("Enter");
  }

  /** The texts of the messages that the room has, in the order in which they are shown. */
  async texts(): Promise<string[]> {
    return await this.page.locator(".message:not(.unsent) .text").allInnerTexts();
  }

  /** Waits until exactly these are shown. */
  async untilTexts(expected: readonly string[]): Promise<void> {
    await eventually(() => this.texts(), (seen) => seen.length >= expected.length);
    assertEquals(await this.texts(), [...expected]);
  }

  /** Waits until a text is somewhere on the page. */
  async untilShown(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}
