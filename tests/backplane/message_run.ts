import { assert, assertEquals } from "@std/assert";
import type { Backplane, Page, PageRequest, Stored } from "../../packages/server/src/backplane/contract.ts";
import { Listener } from "./listener.ts";
import { expectedOutline, outline } from "./pages.ts";
import { draft } from "./samples.ts";

/** Something that is done to a room; isolates and subscriptions are meant modulo how many there are. */
export type MessageStep =
  | {
    readonly do: "publish";
    readonly isolate: number;
    readonly user: string;
    readonly ids: readonly string[];
  }
  | { readonly do: "subscribe"; readonly isolate: number }
  | { readonly do: "close"; readonly subscription: number }
  | { readonly do: "history"; readonly isolate: number; readonly page: PageRequest }
  /** Waits for all that is under way; other steps do not wait. */
  | { readonly do: "settle" };

/** A draft that was published, by which isolate, and what became of it. */
interface Published {
  readonly isolate: Backplane;
  readonly key: string;
  readonly data: string;
  readonly stored: Stored;
}

/** Does steps to a room in which nothing has been said yet, and checks that what all were told fits together. */
export class MessageRun {
  readonly #isolates: readonly Backplane[];
  readonly #room: string;
  readonly #kept: number;
  readonly #underWay: Promise<unknown>[] = [];
  readonly #published: Published[][] = [];
  readonly #listeners: Listener[] = [];
  /** How many messages had come to those that were closed. */
  readonly #closedAt = new Map<Listener, number>();
  readonly #pages: { request: PageRequest; page: Page; leastHead: number }[] = [];
  /** The last offset that is known to be stored. */
  #known = 0;

  /** `kept` is how many messages the room keeps. */
  constructor(isolates: readonly Backplane[], room: string, kept: number) {
    this.#isolates = isolates;
    this.#room = room;
    this.#kept = kept;
  }

  /** Throws where something does not fit. */
  async run(steps: readonly MessageStep[]): Promise<void> {
    const witness = await Listener.open(this.#isolate(0), this.#room);
    for (const [number, step] of steps.entries()) {
      if (step.do === "settle") await Promise.all(this.#underWay.splice(0));
      else this.#start(step, number);
    }
    await Promise.all(this.#underWay);
    await witness.untilOffset(this.#known);
    // It closes the sequence: nobody may get anything twice, or late, before it.
    await this.#publish(this.#isolate(0), [draft("marker", { data: "marker" })], steps.length);
    await witness.untilOffset(this.#known);
    await this.#check(witness);
    for (const listener of [witness, ...this.#listeners]) listener.close();
  }

  #start(step: Exclude<MessageStep, { do: "settle" }>, number: number): void {
    if (step.do === "close") return this.#close(step.subscription);
    const isolate = this.#isolate(step.isolate);
    if (step.do === "publish") {
      const drafts = step.ids.map((id, index) =>
        draft(id, { data: `"${number}.${index}"`, from: { user: step.user } })
      );
      this.#underWay.push(this.#publish(isolate, drafts, number));
    } else if (step.do === "subscribe") {
      this.#underWay.push(this.#subscribe(isolate));
    } else {
      this.#underWay.push(this.#read(isolate, step.page));
    }
  }

  async #publish(
    isolate: Backplane,
    drafts: readonly ReturnType<typeof draft>[],
    number: number,
  ): Promise<void> {
    const stored = await isolate.publish(this.#room, drafts);
    assertEquals(stored.length, drafts.length);
    this.#published[number] = drafts.map(({ from: { user }, id, data }, index) => {
      const result = stored[index];
      assert(result);
      this.#known = Math.max(this.#known, result.offset);
      return { isolate, key: `${user} ${id}`, data, stored: result };
    });
  }

  async #subscribe(isolate: Backplane): Promise<void> {
    const leastHead = this.#known;
    const listener = await Listener.open(isolate, this.#room);
    assert(listener.subscription.head >= leastHead, "the head is older than what was stored before");
    this.#listeners.push(listener);
  }

  async #read(isolate: Backplane, request: PageRequest): Promise<void> {
    const leastHead = this.#known;
    this.#pages.push({ request, page: await isolate.history(this.#room, request), leastHead });
  }

  #close(subscription: number): void {
    const listener = this.#listeners[subscription % this.#listeners.length];
    if (!listener || this.#closedAt.has(listener)) return;
    listener.close();
    this.#closedAt.set(listener, listener.messages.length);
  }

  async #check(witness: Listener): Promise<void> {
    const log = witness.messages;
    const head = log.length;
    assertEquals(witness.offsets, Array.from(log, (_, index) => index + 1));
    assertEquals(head, this.#known);

    const published = this.#published.flat();
    const fresh = published.filter(({ stored }) => !stored.duplicate);
    assertEquals(fresh.length, head, "each message was new for one call");
    for (const { key, data, stored } of published) {
      const message = log[stored.offset - 1];
      assertEquals(message && `${message.from.user} ${message.id}`, key);
      if (!stored.duplicate) assertEquals(message?.data, data);
    }
    assertEquals(new Set(published.map(({ key }) => key)).size, head, "no message was stored twice");
    for (const isolate of this.#isolates) {
      const offsets = fresh.filter((one) => one.isolate === isolate).map(({ stored }) => stored.offset);
      assertEquals(offsets, offsets.toSorted((a, b) => a - b), "calls of an isolate keep their order");
    }

    for (const listener of this.#listeners) {
      const after = log.slice(listener.subscription.head);
      const closedAt = this.#closedAt.get(listener);
      if (closedAt === undefined) await listener.untilOffset(head);
      assertEquals(listener.messages, closedAt === undefined ? after : after.slice(0, closedAt));
    }
    for (const { request, page, leastHead } of this.#pages) {
      assert(page.head >= leastHead && page.head <= head, `head ${page.head}`);
      const first = Math.max(1, page.head - this.#kept + 1);
      assertEquals(outline(page), expectedOutline(request, { head: page.head, first }));
      const start = (page.messages[0]?.offset ?? 1) - 1;
      assertEquals(page.messages, log.slice(start, start + page.messages.length));
    }
  }

  #isolate(index: number): Backplane {
    const isolate = this.#isolates[index % this.#isolates.length];
    assert(isolate);
    return isolate;
  }
}
