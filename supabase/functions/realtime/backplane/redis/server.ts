import { BackplaneUnavailable, type Page, type PageRequest, type PresenceEntry } from "../contract.ts";
import type { Address } from "./address.ts";
import { isReply, type Link, type ScriptName } from "./link.ts";
import { createNodes, type Nodes, type NodesListener } from "./nodes.ts";
import type { Settings } from "./options.ts";
import { type ListedEntry, parseMessage, parsePresent } from "./records.ts";
import { escapeText } from "../wire_text.ts";

/** How often a call follows a slot that moves. */
const MAX_REDIRECTIONS = 8;
/** The pause before a call is repeated whose slot is moving, in milliseconds. */
const MOVING_MS = 50;

/** How a room is. */
export interface RoomStatus {
  readonly epoch: string;
  readonly head: number;
  /** How many changes of presence there have been. */
  readonly changes: number;
  /** How many entries there are. */
  readonly count: number;
  /** After which time somebody may leave, in milliseconds; undefined when nobody may. */
  readonly dueMs: number | undefined;
}

/** How a room is, and what is new of it. */
export interface RoomLook extends RoomStatus {
  /** Who is present; undefined when it is known already. */
  readonly present: readonly ListedEntry[] | undefined;
  /** Offset of the oldest message that is kept. */
  readonly first: number;
  /** As they are stored. */
  readonly messages: readonly string[];
}

/** What an operation on a room did. */
export interface RoomResult extends RoomStatus {
  /** Is another one when who was present was lost meanwhile; empty while nobody has been. */
  readonly mark: string;
  readonly result: unknown;
}

/** What somebody knows of a room. */
export interface Known {
  readonly epoch: string;
  /** The last offset. */
  readonly after: number;
  readonly changes: number;
  readonly count: number;
}

/** Redis as rooms see it: it does scripts on the server that has the room. */
export class RedisServer {
  readonly settings: Settings;
  readonly nodes: Nodes;
  /** Names this isolate. */
  readonly isolate: string = crypto.randomUUID();
  readonly #rest: readonly string[];
  #epochs = 0;

  constructor(settings: Settings, listener: NodesListener) {
    this.settings = settings;
    const { keepMs, retention: { messages, ageMs, dedupeMs }, graceMs, leaseMs } = settings;
    const longest = Math.max(keepMs, ageMs, dedupeMs);
    this.#rest = [longest, messages, ageMs, dedupeMs, graceMs, leaseMs].map((number) =>
      `${Math.round(number)}`
    );
    this.nodes = createNodes(settings, listener);
  }

  /**
   * Does a script. Calls for one room are done in the order in which they are made.
   * @throws {BackplaneUnavailable} as a rejection
   */
  script(
    name: ScriptName,
    address: Address,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<unknown> {
    return this.#follow(address, (link) => {
      const shift = `${Math.round(this.settings.shiftMs())}`;
      // Where it is used it must be one that was never used, not even for this room.
      const epoch = `${this.isolate.slice(0, 13)}-${(this.#epochs++).toString(36)}`;
      const header = [shift, link.run ?? "", epoch, ...this.#rest];
      return link.script(name, [...address.keys, ...keys], [...header, ...args]);
    });
  }

  /** Publishes what is not stored. */
  async spublish(address: Address, payload: string): Promise<void> {
    await this.#follow(address, (link) => link.command(["SPUBLISH", address.channel, payload]));
  }

  /** Does something to a room's presence; see scripts.ts. */
  async operate(address: Address, doing: string, args: readonly string[] = []): Promise<RoomResult> {
    const reply = await this.#room(address, doing, args.map(escapeText));
    return { ...statusOf(reply), result: reply[5], mark: String(reply[6] ?? "") };
  }

  /** Looks what is new in a room; where nothing is known of it, without messages. */
  async look(address: Address, known: Known | undefined): Promise<RoomLook> {
    const { after, changes, count, epoch } = known ?? { after: -1, changes: -1, count: -1, epoch: "" };
    const args = [`${after}`, `${this.settings.batch}`, `${changes}`, `${count}`, epoch];
    const reply = await this.#room(address, "look", args);
    return {
      ...statusOf(reply),
      present: Array.isArray(reply[5]) ? parsePresent(textsOf(reply[5])) : undefined,
      first: Number(reply[6]),
      messages: textsOf(reply[7]),
    };
  }

  /** Who is present. */
  async present(address: Address): Promise<PresenceEntry[]> {
    const { result } = await this.operate(address, "present");
    return parsePresent(textsOf(result)).map(({ user, connection, state }) => ({ user, connection, state }));
  }

  /** Reads a page, by several calls when it is large. */
  async page(address: Address, request: PageRequest): Promise<Page> {
    const isAfter = "after" in request;
    let bound = isAfter ? request.after : request.before;
    const texts: string[] = [];
    let whole: Omit<Page, "messages" | "more"> | undefined;
    for (;;) {
      const limit = request.limit - texts.length;
      const reply = await this.#room(address, "page", [isAfter ? "after" : "before", `${bound}`, `${limit}`]);
      const [epoch, head, first] = [String(reply[0]), Number(reply[1]), Number(reply[2])];
      const read = textsOf(reply[3]);
      whole ??= { epoch, head, first };
      const oldest = read[0];
      // What was trimmed between two calls ends the page.
      const fits = epoch === whole.epoch && (!isAfter || texts.length === 0 || first <= bound + 1);
      if (oldest === undefined || !fits) break;
      if (isAfter) texts.push(...read);
      else texts.unshift(...read);
      bound = isAfter ? offsetOf(read.at(-1) ?? oldest) : offsetOf(oldest);
      const isEnd = isAfter ? bound >= head : bound <= first;
      if (isEnd || texts.length >= request.limit) break;
    }
    const messages = texts.map(parseMessage);
    const [newest, oldest] = [messages.at(-1)?.offset, messages[0]?.offset];
    const { head, first } = whole;
    const more = isAfter
      ? Math.max(request.after, first - 1, newest ?? 0) < head
      : Math.min(oldest ?? request.before, head + 1) > first;
    return { ...whole, messages, more };
  }

  async #room(address: Address, doing: string, args: readonly string[]): Promise<readonly unknown[]> {
    const reply = await this.script("room", address, [], [this.isolate, doing, ...args]);
    if (!Array.isArray(reply)) throw new Error("Redis answered what no script answers.");
    return reply;
  }

  /** The link to the server that has the room, once it can be used. */
  async link(address: Address): Promise<Link> {
    if (!this.nodes.linkOf(address.slot)) await this.nodes.refresh();
    const link = this.nodes.linkOf(address.slot);
    if (!link) throw new BackplaneUnavailable("No server of the cluster has this room's slot.");
    await link.untilUp(this.settings.waitMs);
    return link;
  }

  /** Does something on the server that has the room's slot; nothing comes between the call and it when the link is up. */
  #follow(address: Address, run: (link: Link) => Promise<unknown>): Promise<unknown> {
    const link = this.nodes.linkOf(address.slot);
    const running = link?.run === undefined ? this.#waitAndRun(address, run) : run(link);
    return running.catch((error: unknown) => this.#redirect(address, run, error));
  }

  async #waitAndRun(address: Address, run: (link: Link) => Promise<unknown>): Promise<unknown> {
    const link = await this.link(address);
    return await run(link);
  }

  async #redirect(address: Address, run: (link: Link) => Promise<unknown>, error: unknown): Promise<unknown> {
    for (let redirections = 0; redirections < MAX_REDIRECTIONS; redirections++) {
      try {
        if (isReply(error, "MOVED")) {
          await this.nodes.refresh();
          return await this.#waitAndRun(address, run);
        }
        if (isReply(error, "ASK")) {
          const link = this.nodes.linkTo(targetOf(error));
          await link.untilUp(this.settings.waitMs);
          const asking = link.command(["ASKING"]);
          const running = run(link);
          await Promise.allSettled([asking, running]);
          return await running;
        }
        if (isReply(error, "TRYAGAIN")) {
          await new Promise((resolve) => setTimeout(resolve, MOVING_MS));
          return await this.#waitAndRun(address, run);
        }
      } catch (next) {
        error = next;
        continue;
      }
      throw error;
    }
    throw error;
  }
}

/** Texts of a reply. */
export function textsOf(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}

function statusOf([epoch, head, changes, count, due]: readonly unknown[]): RoomStatus {
  return {
    epoch: String(epoch),
    head: Number(head),
    changes: Number(changes),
    count: Number(count),
    dueMs: Number(due) < 0 ? undefined : Number(due),
  };
}

function offsetOf(text: string): number {
  return Number(text.slice(0, text.indexOf(",")));
}

/** "ASK 3999 127.0.0.1:6381" names a node. */
function targetOf(error: unknown): string {
  return /^ASK \d+ (\S+)/.exec(error instanceof Error ? error.message : "")?.[1] ?? "";
}
