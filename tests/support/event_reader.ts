import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import type { RunningServer } from "./running_server.ts";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";

/** Event of a stream. */
export type StreamEvent = {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly retry: string | undefined;
  readonly data: Record<string, unknown>;
};

/** Options of a stream. */
export interface StreamOptions {
  /** Query in addition to the token, such as `&history=2`. */
  readonly query?: string;
  readonly lastEventId?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Reads a stream like EventSource, as far as tests need it. `await using` cancels it. */
export class EventReader implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";
  /** Comments so far. */
  readonly comments: string[] = [];

  private constructor(body: NonNullable<Response["body"]>) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Opens a stream of the room `r` as `carol`; fails unless the answer is a stream. */
  static async open(running: RunningServer, options: StreamOptions = {}): Promise<EventReader> {
    const { query = "", lastEventId, headers = {} } = options;
    const token = await running.issuer.token("carol");
    const response = await fetch(`${running.origin}/realtime/rooms/r/events?token=${token}${query}`, {
      headers: { ...headers, ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }) },
    });
    assertEquals([response.status, response.headers.get("content-type")], [200, "text/event-stream"]);
    assert(response.body);
    return new EventReader(response.body);
  }

  /** The next event; fails if the stream has ended. */
  async next(): Promise<StreamEvent> {
    const event = await this.read();
    assert(event, "the stream has ended");
    return event;
  }

  /** The next event, or undefined at the end of the stream. */
  async read(): Promise<StreamEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end < 0) {
        const { value, done } = await deadline(this.#reader.read(), PATIENCE_MS);
        if (done) return undefined;
        this.#text += value;
        continue;
      }
      const block = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 2);
      const field = (name: string) => block.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
      this.comments.push(...block.split("\n").filter((line) => line.startsWith(":")));
      const data = field("data");
      if (data === undefined) continue;
      return { id: field("id"), event: field("event"), retry: field("retry"), data: JSON.parse(data) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }
}
