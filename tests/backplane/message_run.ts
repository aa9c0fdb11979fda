import { assert, assertEquals } from "@std/assert";
import type { Backplane, Page, Stored } from "../../packages/server/src/backplane/contract.ts";
import { Listener } from "./listener.ts";
import { expectedOutline, type OffsetPage, outline } from "./pages.ts";
import { draft } from "./samples.ts";

/** Step on a room; indexes of isolates and subscriptions wrap around. */
export type MessageStep =
  | {
    readonly do: "publish";
    readonly isolate: number;
    readonly user: string;
    readonly ids: readonly string[];
  }
  | { readonly do: "subscribe"; readonly isolate: number }
  | { readonly do: "close"; readonly subscription: number }
  | { readonly do: "history"; readonly isolate: number; readonly page: OffsetPage }
  /** Waits for all running calls; other steps do not wait. */
  | { readonly do: "settle" };

/** A published draft with its isolate and its result. */
interface Published {
  readonly isolate: Backplane;
  readonly key: string;
  readonly data: string;
  readonly stored: Stored;
}

/** Runs steps on an unused room, and checks that all results and deliveries agree. */
export class MessageRun {
  readonly #isolates: readonly Backplane[];
  readonly #room: string;
  readonly #retained: number;
  readonly #runningCalls: Promise<unknown>[] = [];
  readonly #published: Published[][] = [];
  readonly #listeners: Listener[] = [];
  /** Number of messages that a listener had when it was closed. */
  readonly #closedAt = new Map<Listener, number>();
  readonly #pages: { request: OffsetPage; page: Page; leastHead: number }[] = [];
  /** Last offset of a completed publish. */
  #knownHead = 0;

  /** `retained` is the maximum number of messages of the room. */
  constructor(isolates: readonly Backplane[], room: string, retained: number) {
    this.#isolates = isolates;
    this.#room = room;
    this.#retained = retained;
  }

  /** Throws if a result or a delivery is wrong. */
  async run(steps: readonly MessageStep[]): Promise<void> {
    const reference = await Listener.open(this.#isolate(0), this.#room);
    for (const [number, step] of steps.entries()) {
      if (step.do === "settle") await Promise.all(this.#runningCalls.splice(0));
      else this.#start(step, number);
    }
    await Promise.all(this.#runningCalls);
    await reference.untilOffset(this.#knownHead);
    // The marker ends the sequence: no duplicate or late message may come before it.
    await this.#publish(this.#isolate(0), [draft("marker", { data: '"marker"' })], steps.length);
    await reference.untilOffset(this.#knownHead);
    await this.#check(reference);
    for (const listener of [reference, ...this.#listeners]) listener.close();
  }

  #start(step: Exclude<MessageStep, { do: "settle" }>, number: number): void {
    if (step.do === "close") return this.#close(step.subscription);
    const isolate = this.#isolate(step.isolate);
    if (step.do === "publish") {
      const drafts = step.ids.map((id, index) =>
        draft(id, { data: `"${number}.${index}"`, from: { user: step.user } })
      );
      this.#runningCalls.push(this.#publish(isolate, drafts, number));
    } else if (step.do === "subscribe") {
      this.#runningCalls.push(this.#subscribe(isolate));
    } else {
      this.#runningCalls.push(this.#read(isolate, step.page));
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
      this.#knownHead = Math.max(this.#knownHead, result.offset);
      return { isolate, key: `${user} ${id}`, data, stored: result };
    });
  }

  async #subscribe(isolate: Backplane): Promise<void> {
    const leastHead = this.#knownHead;
    const listener = await Listener.open(isolate, this.#room);
    assert(listener.subscription.head >= leastHead, "the head is older than what was stored before");
    this.#listeners.push(listener);
  }

  async #read(isolate: Backplane, request: OffsetPage): Promise<void> {
    const leastHead = this.#knownHead;
    this.#pages.push({ request, page: await isolate.history(this.#room, request), leastHead });
  }

  #close(subscription: number): void {
    const listener = this.#listeners[subscription % this.#listeners.length];
    if (!listener || this.#closedAt.has(listener)) return;
    listener.close();
    this.#closedAt.set(listener, listener.messages.length);
  }

  async #check(reference: Listener): Promise<void> {
    const log = reference.messages;
    const head = log.length;
    assertEquals(reference.offsets, Array.from(log, (_, index) => index + 1));
    assertEquals(head, this.#knownHead);

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
      const first = Math.max(1, page.head - this.#retained + 1);
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
