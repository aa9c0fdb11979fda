/** Rendering on a server: markup, and nothing else happens. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { useMessages, usePresence, useRoom, useRoomState } from "../../../packages/client/react.ts";
import { bundle, stopBundling } from "../../../packages/cli/dev/bundle.ts";
import { runOrThrow } from "../../support/deploy/npm_tool.ts";
import { installPackages } from "../npm_project.ts";
import { Chat, type ChatProps, type Seen } from "./chat.ts";
import { VERSIONS } from "./stage.ts";

const URL_OF_ROOM = "http://127.0.0.1:1/realtime/rooms/a";

function never(): never {
  throw new Error("A server connects to nothing.");
}

/** Reads the contents of a page that a server rendered. */
function seenIn(html: string): Seen {
  const text = html.match(/<pre id="seen">(.*?)<\/pre>/)?.[1] ?? "null";
  return JSON.parse(text.replaceAll("&quot;", '"'));
}

const EMPTY: Seen = {
  state: "idle",
  messages: [],
  gaps: [],
  hasOlder: true,
  members: [],
  users: [],
  refused: null,
};

Deno.test("a server renders an idle room and asks nobody for anything", () => {
  const props: ChatProps = {
    url: URL_OF_ROOM,
    token: never,
    state: { mood: "fine" },
    WebSocket: class {
      constructor() {
        never();
      }
      send = never;
      close = never;
      addEventListener = never;
    },
    onEffect: never,
    onRoom: never,
  };
  assertEquals(seenIn(renderToString(createElement(Chat, props))), EMPTY);
});

Deno.test("without a url there is an empty room", () => {
  const html = renderToString(createElement(Chat, { url: null, token: never }));
  assertEquals(seenIn(html), { ...EMPTY, hasOlder: false });
});

Deno.test("an address that is none is told while rendering", () => {
  const chat = createElement(Chat, { url: "ftp://127.0.0.1/realtime/rooms/a", token: never });
  assertThrows(() => renderToString(chat), TypeError, "ftp:");
  const list = () => {
    useMessages(useRoom(URL_OF_ROOM, { token: never }), { limit: 0 });
    return null;
  };
  assertThrows(() => renderToString(createElement(list)), RangeError, "limit");
});

Deno.test("hooks take a room that is not there", () => {
  const Nothing = () =>
    `${useRoomState(null).type} ${useMessages(null).messages.length} ${usePresence(null).users.size}`;
  assertEquals(renderToString(createElement(Nothing)), "idle 0 0");
});

for (const react of VERSIONS) {
  Deno.test({
    name: `Node renders the same, with React ${react} and without a WebSocket`,
    // esbuild keeps pipes of its own.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const folder = await Deno.makeTempDir({ prefix: "react_server_" });
      try {
        await installPackages(new URL(`file://${folder}/`), [`react@${react}`, `react-dom@${react}`]);
        const entries = { chat: fileURLToPath(new URL("chat.ts", import.meta.url)) };
        for (const { name, text } of await bundle({ entries, external: ["react"] })) {
          await Deno.writeTextFile(`${folder}/${name}`, text);
        }
        const program = `
          import { createElement, StrictMode } from "react";
          import { renderToString } from "react-dom/server";
          import { Chat } from "./chat.js";
          delete globalThis.WebSocket;
          const never = () => { throw new Error("A server connects to nothing."); };
          const chat = createElement(Chat, { url: ${JSON.stringify(URL_OF_ROOM)}, token: never });
          console.log(renderToString(createElement(StrictMode, null, chat)));
        `;
        await Deno.writeTextFile(`${folder}/main.js`, program);
        const html = await runOrThrow("node", { args: ["main.js"], cwd: folder, timeoutMs: 30_000 });
        assertStringIncludes(html, "<pre");
        assertEquals(seenIn(html), EMPTY);
      } finally {
        await stopBundling();
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
