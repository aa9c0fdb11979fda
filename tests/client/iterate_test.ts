/** Messages for `for await`. */
import { assertEquals, assertRejects } from "@std/assert";
import { RoomError } from "../../packages/client/errors.ts";
import { iterate } from "../../packages/client/iterate.ts";
import { Listeners } from "../../packages/client/listeners.ts";
import type { RoomListeners, RoomMessage } from "../../packages/client/room.ts";
import type { RoomState } from "../../packages/client/state.ts";

type Events = { readonly chat: number };

/** Part of a room that an iterator uses. */
class Source {
  readonly #listeners = new Listeners<RoomListeners<Events>>();
  readonly on = this.#listeners.on.bind(this.#listeners);
  state: RoomState = { type: "idle" };

  say(data: number): void {
    this.#listeners.emit("message", { event: "chat", data, from: { user: "bob" }, id: `${data}`, at: 0 });
  }

  close(code: "closed" | "forbidden"): void {
    this.state = { type: "closed", reason: new RoomError(code, "over") };
    this.#listeners.emit("state", this.state);
  }
}

const collect = async (messages: AsyncIterable<RoomMessage<Events>>) => {
  const seen: number[] = [];
  for await (const { data } of messages) seen.push(data);
  return seen;
};

Deno.test("a loop has what came since it began, in order, and ends when the application closes the room", async () => {
  const source = new Source();
  const collected = collect(iterate<Events>(source, 10));
  for (const data of [1, 2, 3]) source.say(data);
  source.close("closed");
  assertEquals(await collected, [1, 2, 3]);
});

Deno.test("a loop throws why the room ended, after the messages that came before", async () => {
  const source = new Source();
  const messages = iterate<Events>(source, 10);
  const first = messages.next();
  source.say(1);
  source.say(2);
  source.close("forbidden");
  assertEquals((await first).value?.data, 1);
  assertEquals((await messages.next()).value?.data, 2);
  assertEquals((await assertRejects(() => messages.next(), RoomError)).code, "forbidden");
});

Deno.test("a loop that falls behind has what fits, then fails with overflow", async () => {
  const source = new Source();
  const messages = iterate<Events>(source, 2);
  const first = messages.next();
  for (const data of [1, 2, 3]) source.say(data);
  assertEquals((await first).value?.data, 1);
  assertEquals((await messages.next()).value?.data, 2);
  assertEquals((await assertRejects(() => messages.next(), RoomError)).code, "overflow");
});

Deno.test("a loop that is left listens no more", async () => {
  const source = new Source();
  let ended = 0;
  const { on } = source;
  const counting = {
    ...source,
    on: ((kind, listener) => {
      const end = on(kind, listener);
      return () => {
        ended++;
        end();
      };
    }) as typeof on,
  };
  const messages = iterate<Events>(counting, 2);
  const first = messages.next();
  source.say(1);
  await first;
  await messages.return();
  assertEquals(ended, 2);
});

Deno.test("a loop over a closed room is over at once", async () => {
  const source = new Source();
  source.close("closed");
  assertEquals(await collect(iterate<Events>(source, 2)), []);
});
