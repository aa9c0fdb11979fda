import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { launchChromium } from "../../support/chromium.ts";
import { eventually } from "../../../tools/support/eventually.ts";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { closeCode, OPCODE } from "../../../tools/support/wire/raw_socket.ts";
import { type RunningServer, startServer } from "../../support/running_server.ts";
import { installPackages } from "../npm_project.ts";
import { callsOf, type PageCall } from "../page_controls.ts";
import { servePages } from "../served_pages.ts";
import type { Seen } from "./chat.ts";
import type { ChatControls, Scene } from "./chat_page.ts";

/** A browser, a room server, and pages with one version of React. `await using` ends all of it. */
export interface Stage extends AsyncDisposable {
  readonly running: RunningServer;
  /** Opens a page and runs a test in it. Also fails on warnings of React or the page. */
  play(act: (play: Play) => Promise<void>, options?: PlayOptions): Promise<void>;
}

/** Options of a page. */
export interface PlayOptions {
  /** Takes the page that was rendered before: the stage's markup. */
  readonly isRendered?: boolean;
  /** Has Fast Refresh in the page. */
  readonly isRefreshed?: boolean;
}

/** A page with a chat, from the test's side. Only this page's connections go through the proxy. */
export interface Play {
  readonly page: Page;
  readonly call: PageCall<ChatControls>;
  readonly proxy: FaultProxy;
  /** The id of a room that only this play uses. */
  room(name: string): string;
  /** Creates a scene: by default a chat of alice in room `a`. */
  scene(change?: Partial<Omit<Scene, "url">> & { readonly in?: string | null }): Scene;
  /** The same, with the rooms of a provider. */
  shared(change?: Parameters<Play["scene"]>[0]): Scene;
  /** Shows it. */
  show(change?: Parameters<Play["scene"]>[0]): Promise<void>;
  /** Waits until what is seen is right, and returns it. */
  see(isRight: (seen: Seen) => boolean): Promise<Seen>;
  /** Waits until the chat is live. */
  seeLive(): Promise<Seen>;
  /** Codes of the close frames that the page has sent. */
  readonly closes: readonly number[];
}

const REFRESH = "react-refresh@0.18.0";
let plays = 0;

/**
 * Sets up a stage with a version of React from npm, such as `18.3.1`. `markup` is the HTML of a
 * server.
 */
export async function setStage(react: string, markup = ""): Promise<Stage> {
  const folder = await Deno.makeTempDir({ prefix: "react_" });
  await installPackages(new URL(`file://${folder}/`), [
    `react@${react}`,
    `react-dom@${react}`,
    REFRESH,
  ]);
  const chat = fileURLToPath(new URL("chat_page.ts", import.meta.url));
  const pages = await servePages({ entries: { chat, rendered: chat }, packages: folder }, {
    rendered: markup,
  });
  const browser = await launchChromium();
  const running = await startServer();

  return {
    running,
    async play(act, { isRendered = false, isRefreshed = false } = {}) {
      const closes: number[] = [];
      await using proxy = FaultProxy.start(running.port, {
        onMessage(message) {
          if (message.opcode === OPCODE.close && message.direction === "toServer") {
            closes.push(closeCode(message));
          }
        },
      });
      await using context = await browser.newContext();
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => {
        const isOurs = message.type() === "error" || message.type() === "warning";
        if (isOurs && !isNetworkError(message.text())) complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      await page.exposeFunction("askForToken", (user: string) => running.issuer.token(user));
      if (isRefreshed) await page.addInitScript(await refreshScript(folder));
      await page.goto(`${pages.origin}/${isRendered ? "rendered" : "chat"}`);
      const call = callsOf<ChatControls>(page);
      assertEquals(await call("version"), react);
      const play = ++plays;
      const room = (name: string) => `play-${play}-${name}`;
      const scene: Play["scene"] = ({ in: name = "a", ...change } = {}) => ({
        user: "alice",
        ...change,
        url: name === null ? null : proxy.url(`/realtime/rooms/${room(name)}`),
      });
      const shared: Play["shared"] = ({ in: name = "a", more = [], ...change } = {}) => ({
        ...scene(change),
        url: name && room(name),
        more: more.map(room),
        provider: proxy.url("/realtime"),
      });
      const see: Play["see"] = async (isRight) => {
        const seen = await eventually(
          async () => await call("seen"),
          (seen) => seen !== null && isRight(seen),
        );
        return seen ?? await see(isRight);
      };
      await act({
        page,
        call,
        proxy,
        closes,
        room,
        scene,
        shared,
        show: async (change) => await call("show", scene(change)),
        see,
        seeLive: () => see(({ state }) => state === "live"),
      });
      assertEquals(complaints, []);
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await running[Symbol.asyncDispose]();
      await pages[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The runtime of Fast Refresh, which has to be there before React. */
async function refreshScript(folder: string): Promise<string> {
  const file = `${folder}/node_modules/react-refresh/cjs/react-refresh-runtime.development.js`;
  const text = await Deno.readTextFile(file);
  return `globalThis.Refresh = {};
    ((exports, process) => {${text}})(Refresh, { env: { NODE_ENV: "development" } });
    Refresh.injectIntoGlobalHook(globalThis);`;
}

/** Chromium writes of every connection that fails, which some tests want. */
function isNetworkError(text: string): boolean {
  return /WebSocket connection to|Failed to load resource/.test(text);
}

/** The newest React, and the last of the line before. */
export const VERSIONS = ["19.3.1", "18.3.1"] as const;

/** A test of several steps on a stage, for each version of React. */
export function stageTest(
  name: string,
  act: (t: Deno.TestContext, stage: Stage) => Promise<void>,
  options: StageTestOptions = {},
): void {
  for (const react of options.versions ?? VERSIONS) {
    Deno.test({
      name: `${name}, React ${react}`,
      // Playwright and esbuild keep pipes and timers of their own.
      sanitizeOps: false,
      sanitizeResources: false,
      async fn(t) {
        await using stage = await setStage(react, options.markup?.());
        await act(t, stage);
      },
    });
  }
}

/** Options of a test that does not fit every version. */
export interface StageTestOptions {
  readonly versions?: readonly string[];
  readonly markup?: () => string;
}
