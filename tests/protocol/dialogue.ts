import { assert, assertEquals } from "@std/assert";
import { RoomClient } from "../support/room_client.ts";
import type { RunningServer } from "../support/running_server.ts";

/** Line of a dialogue: a frame that the client sends or receives. */
export interface Line {
  readonly from: "client" | "server";
  readonly text: string;
}

/** Dialogue of docs/protocol.md. */
export interface Dialogue {
  /** Sentence above the dialogue. */
  readonly title: string;
  readonly lines: readonly Line[];
}

/** Reads the dialogues at the end of docs/protocol.md, in order. */
export async function readDialogues(): Promise<Dialogue[]> {
  const text = await Deno.readTextFile(new URL("../../docs/protocol.md", import.meta.url));
  const [, section = ""] = text.split(/^## \d+ Dialogues$/m);
  return [...section.matchAll(/^(.+)\n\n```\n([\s\S]*?)^```$/gm)].map(([, title = "", block = ""]) => ({
    title,
    lines: block.trimEnd().split("\n").map((line): Line => ({
      from: line.startsWith("→") ? "client" : "server",
      text: line.slice(2),
    })),
  }));
}

/** Replays dialogues with a member of a running service. `await using` closes its connection. */
export class Conversation implements AsyncDisposable {
  readonly #running: RunningServer;
  /** Values of the document's placeholders, such as `c-1` and `e1`. */
  readonly #names = new Map<string, string>();
  #client: RoomClient | undefined;

  constructor(running: RunningServer) {
    this.#running = running;
  }

  /** Connected member; fails before the first connection. */
  get client(): RoomClient {
    assert(this.#client, "the dialogue has not connected yet");
    return this.#client;
  }

  /** Sets the value of a placeholder. */
  name(name: string, value: string): void {
    this.#names.set(name, value);
  }

  /** Sends the client's lines and expects exactly the server's lines, in order. */
  async replay(lines: readonly Line[]): Promise<void> {
    for (const { from, text } of lines) {
      const json = /^[[{].*[\]}]/.exec(text)?.[0];
      if (from === "client" && json) this.client.sendRaw(json);
      else if (from === "client") await this.#connect(text);
      else if (json) await this.#expect(json);
      else if (text.startsWith("close ")) {
        assertEquals((await this.client.closed()).code, Number(text.slice("close ".length)));
      } else assertEquals(text, "101");
    }
  }

  /** Loses the current connection, opens a new one, and expects `welcome`. */
  async reconnect(room: string, query: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#loseClient();
    this.#client = await RoomClient.join(this.#running, room, { query });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.[Symbol.asyncDispose]();
  }

  async #connect(text: string): Promise<void> {
    const [, target] = /^GET (\S+)/.exec(text) ?? [];
    assert(target, `${text} is not a line of a dialogue`);
    const { pathname, searchParams } = new URL(target, "http://host");
    const [, mount, room = ""] = /^\/realtime(\/rooms|\/socket)\/?(.*)$/.exec(pathname) ?? [];
    assert(mount, `${pathname} is no address of rooms`);
    searchParams.delete("token");
    const query = [...searchParams].map(([name, value]) => [name, this.#names.get(value) ?? value]);
    await this.#loseClient();
    this.#client = await RoomClient.connect(this.#running, room, {
      mount,
      query: Object.fromEntries(query),
    });
  }

  async #loseClient(): Promise<void> {
    this.#client?.close(4000);
    await this.#client?.closed();
  }

  async #expect(json: string): Promise<void> {
    const value: unknown = JSON.parse(json.replaceAll("[…]", '["…"]').replaceAll(",…", ',"…":"…"'));
    for (const pattern of [value].flat()) {
      const frame = await this.client.take();
      assert(this.#matches(pattern, frame), `${JSON.stringify(frame)} does not match ${json}`);
    }
  }

  #matches(pattern: unknown, actual: unknown, key?: string): boolean {
    if (key === "at") return typeof actual === "number";
    if (typeof pattern === "string" && /^(c-|e)\d+$/.test(pattern)) {
      if (typeof actual !== "string") return false;
      if (!this.#names.has(pattern)) this.name(pattern, actual);
      return this.#names.get(pattern) === actual;
    }
    if (typeof pattern !== "object" || pattern === null) return pattern === actual;
    if (typeof actual !== "object" || actual === null) return false;
    if (Array.isArray(pattern) && pattern[0] === "…") return Array.isArray(actual);
    const expected = new Map(Object.entries(pattern));
    // An ellipsis allows more fields; without one, all must match.
    if (!expected.delete("…") && expected.size !== Object.keys(actual).length) return false;
    const fields = new Map<string, unknown>(Object.entries(actual));
    return [...expected].every(([name, part]) =>
      fields.has(name) && this.#matches(part, fields.get(name), name)
    );
  }
}
