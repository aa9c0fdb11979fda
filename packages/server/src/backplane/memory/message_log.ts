import type { Draft, Message, Page, PageRequest, Retention, Stored } from "../contract.ts";
import { Queue } from "./delivery_queue.ts";

/** Memory of a retained message without its text, in bytes; measured, rounded up. */
const MESSAGE_BYTES = 290;
/** Memory of a dedupe entry without its text, in bytes; measured, rounded up. */
const PUBLISH_BYTES = 200;
/** Bytes per character: V8 uses one or two. Two are counted, so the bound holds for any text. */
const CHARACTER_BYTES = 2;

/** Dedupe entry: a publish whose repetition is recognized. */
interface Publish {
  readonly key: string;
  readonly offset: number;
  readonly storedAt: number;
}

/** A message with its time on the monotonic clock. */
interface Entry {
  readonly message: Message;
  readonly storedAt: number;
}

/** The current time on both clocks. */
export interface Times {
  /** Milliseconds since 1970, for the messages. */
  readonly at: number;
  /** Time on the monotonic clock, for their age. */
  readonly now: number;
}

/** Result of an append. */
export interface Appended {
  /** One result per draft. */
  readonly stored: readonly Stored[];
  /** New messages without the duplicates, in the order of offsets. */
  readonly added: readonly Message[];
}

/** Builds the dedupe key. The length prefix keeps user and id apart, whatever they contain. */
function publishKey({ from: { user }, id }: Draft): string {
  return `${user.length}:${user}${id}`;
}

function messageBytes({ id, event, data, from }: Message): number {
  const characters = id.length + event.length + data.length + from.user.length +
    (from.connection?.length ?? 0);
  return MESSAGE_BYTES + CHARACTER_BYTES * characters;
}

function publishBytes({ key }: Publish): number {
  return PUBLISH_BYTES + CHARACTER_BYTES * key.length;
}

/** Retained messages of one room. No timer removes expired ones: the next use does. */
export class RoomLog {
  readonly #retention: Retention;
  /** Consecutive messages up to the head. */
  readonly #messages = new Queue<Entry>();
  readonly #publishes = new Queue<Publish>();
  readonly #publishOf = new Map<string, Publish>();
  #head = 0;
  #bytes = 0;
  /** Share of the dedupe entries in `#bytes`. */
  #publishesBytes = 0;

  constructor(retention: Retention) {
    this.#retention = retention;
  }

  /** Offset of the last message; 0 before the first. */
  get head(): number {
    return this.#head;
  }

  /** Approximate memory of the log, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Stores all drafts that are not duplicates. */
  append(drafts: readonly Draft[], { at, now }: Times): Appended {
    this.#expirePublishes(now);
    const stored: Stored[] = [];
    const added: Message[] = [];
    for (const draft of drafts) {
      const key = publishKey(draft);
      const known = this.#publishOf.get(key);
      if (known) {
        stored.push({ offset: known.offset, duplicate: true });
        continue;
      }
      const { id, event, data, from } = draft;
      const message = { offset: ++this.#head, at, id, event, data, from };
      this.#retain(message, { key, offset: message.offset, storedAt: now });
      stored.push({ offset: message.offset, duplicate: false });
      added.push(message);
    }
    this.#trim(now);
    return { stored, added };
  }

  /** Reads a page; `now` is the time on the monotonic clock. */
  page(request: PageRequest, now: number): Omit<Page, "epoch"> {
    this.#trim(now);
    const head = this.#head;
    const first = head - this.#messages.length + 1;
    // Inclusive bounds of the page; `to` lies before `from` if the page is empty.
    let from: number;
    let to: number;
    let more: boolean;
    if (!("before" in request)) {
      from = "since" in request ? this.#since(request.since, first) : Math.max(request.after + 1, first);
      to = Math.min(from - 1 + request.limit, head);
      more = to < head;
    } else {
      to = Math.min(request.before - 1, head);
      from = Math.max(to - request.limit + 1, first);
      more = first < from;
    }
    return { head, first, messages: this.#slice(from - first, to - first + 1), more };
  }

  /**
   * Drops the oldest message or dedupe entry; returns false if the log is empty. Messages go first,
   * so that a retry is not stored twice, until the dedupe entries use more than half of the memory.
   */
  dropOldest(): boolean {
    const hasMessages = this.#messages.length > 0;
    const hasPublishes = this.#publishes.length > 0;
    if (hasMessages && (!hasPublishes || this.#publishesBytes <= this.#bytes / 2)) this.#dropMessage();
    else if (hasPublishes) this.#dropPublish();
    return hasMessages || hasPublishes;
  }

  /** Offset of the first message since a time; after the head if there is none. */
  #since(time: number, first: number): number {
    const at = this.#slice(0, this.#messages.length).findIndex((message) => message.at >= time);
    return at < 0 ? this.#head + 1 : first + at;
  }

  #slice(from: number, to: number): Message[] {
    return this.#messages.slice(from, to).map(({ message }) => message);
  }

  #retain(message: Message, publish: Publish): void {
    this.#messages.push({ message, storedAt: publish.storedAt });
    this.#publishes.push(publish);
    this.#publishOf.set(publish.key, publish);
    this.#publishesBytes += publishBytes(publish);
    this.#bytes += messageBytes(message) + publishBytes(publish);
  }

  #trim(now: number): void {
    const { messages, ageMs } = this.#retention;
    while (this.#messages.length > messages) this.#dropMessage();
    for (let oldest = this.#messages.oldest; oldest && oldest.storedAt + ageMs <= now;) {
      this.#dropMessage();
      oldest = this.#messages.oldest;
    }
  }

  #expirePublishes(now: number): void {
    const { dedupeMs } = this.#retention;
    for (let oldest = this.#publishes.oldest; oldest && oldest.storedAt + dedupeMs <= now;) {
      this.#dropPublish();
      oldest = this.#publishes.oldest;
    }
  }

  #dropMessage(): void {
    const oldest = this.#messages.shift();
    if (oldest) this.#bytes -= messageBytes(oldest.message);
  }

  #dropPublish(): void {
    const publish = this.#publishes.shift();
    if (!publish) return;
    this.#publishOf.delete(publish.key);
    this.#publishesBytes -= publishBytes(publish);
    this.#bytes -= publishBytes(publish);
  }
}
