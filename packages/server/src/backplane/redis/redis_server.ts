import { BackplaneUnavailable, type Page, type PageRequest, type PresenceEntry } from "../contract.ts";
import type { Address } from "./address.ts";
import { isReply, type Link, type ScriptName } from "./redis_link.ts";
import { createNodes, type Nodes, type NodesListener } from "./nodes.ts";
import type { Settings } from "./redis_options.ts";
import type { ListedEntry } from "../presence_diff.ts";
import { parseMessage, parsePresent } from "./redis_records.ts";
import { escapeText } from "../wire/wire_text.ts";
import { HistoryGuard } from "./history_guard.ts";

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

/** Does something on a server; `isAsking` where the slot is only about to be moved to it. */
type Doing<T> = (link: Link, isAsking: boolean) => Promise<T>;

/** Redis as rooms see it: it does scripts on the server that has the room. */
export class RedisServer {
  readonly settings: Settings;
  readonly nodes: Nodes;
  readonly witness: HistoryGuard;
  /** Names this isolate. */
  readonly isolate: string = crypto.randomUUID();
  readonly #rest: readonly string[];
  readonly #background = new Set<Promise<unknown>>();
  #epochs = 0;

  constructor(settings: Settings, listener: NodesListener) {
    this.settings = settings;
    const { keepMs, retention: { messages, ageMs, dedupeMs }, graceMs, leaseMs } = settings;
    const longest = Math.max(keepMs, ageMs, dedupeMs);
    this.#rest = [longest, messages, ageMs, dedupeMs, graceMs, leaseMs].map((number) =>
      `${Math.round(number)}`
    );
    this.witness = new HistoryGuard(settings);
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
  ): Promise<readonly unknown[]> {
    return this.#follow(address, async (link, isAsking) => {
      const send = () => this.#send(link, isAsking, name, address, keys, args);
      if (this.witness.isInDoubt(address, link.run)) {
        await this.#vouch(address, link, isAsking);
        return await send();
      }
      try {
        return await send();
      } catch (error) {
        if (!isReply(error, "DOUBT")) throw error;
        await this.#vouch(address, link, isAsking);
        return await send();
      }
    });
  }

  /** Says what is known of all rooms whose server is another one now. Where that fails, it is to be done again. */
  vouchForAll(): void {
    for (const address of this.witness.addresses()) {
      if (!this.witness.isInDoubt(address, this.nodes.linkOf(address.slot)?.run)) continue;
      this.#inBackground(this.#follow(address, (link, isAsking) => this.#vouch(address, link, isAsking)));
    }
  }

  /** Leaves rooms that are not used: all that was told of them is there by then, so nobody has to wait for this isolate. */
  leaveIdle(isUsed: (address: Address) => boolean): void {
    for (const address of this.witness.idle(isUsed)) {
      if (this.nodes.linkOf(address.slot)?.run === undefined) continue;
      const leaving = this.operate(address, "gone").then(() => {
        if (!isUsed(address)) this.witness.forget(address);
      });
      this.#inBackground(leaving);
    }
  }

  /** Leaves all rooms. Resolves in any case. */
  async leaveAll(): Promise<void> {
    const addresses = this.witness.addresses();
    await Promise.allSettled(addresses.map((address) => this.operate(address, "gone")));
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    const closing = this.witness.close();
    await this.nodes.close();
    await closing;
    await Promise.allSettled(this.#background);
  }

  #inBackground(doing: Promise<unknown>): void {
    const done = doing.catch((error: unknown) => {
      if (!(error instanceof BackplaneUnavailable)) this.settings.onEvent({ type: "failed", error });
    }).finally(() => void this.#background.delete(done));
    this.#background.add(done);
  }

  /** Publishes what is not stored. */
  async spublish(address: Address, payload: string): Promise<void> {
    await this.#follow(address, async (link, isAsking) => {
      const asking = isAsking ? link.command(["ASKING"]) : undefined;
      const [publishing] = await Promise.allSettled([
        link.command(["SPUBLISH", address.channel, payload]),
        asking,
      ]);
      if (publishing.status === "rejected") throw publishing.reason;
    });
  }

  /** Does something to a room's presence; see scripts/room.ts. */
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
    return await this.script("room", address, [], [doing, ...args]);
  }

  /** Sends a script, which may come to a slot that is being moved. */
  async #send(
    link: Link,
    isAsking: boolean,
    name: ScriptName,
    address: Address,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<readonly unknown[]> {
    const run = link.run ?? "";
    const shift = `${Math.round(this.settings.shiftMs())}`;
    // Where it is used it must be one that was never used, not even for this room.
    const epoch = `${this.isolate.slice(0, 13)}-${(this.#epochs++).toString(36)}`;
    const header = [shift, run, epoch, ...this.#rest, this.isolate];
    const asking = isAsking ? link.command(["ASKING"]) : undefined;
    asking?.catch(() => {/* so does the script */});
    const reply = await link.script(name, [...address.keys, ...keys], [...header, ...args]);
    if (!Array.isArray(reply)) throw new Error("Redis answered what no script answers.");
    if (name !== "vouch") {
      this.witness.learn(address, { run, epoch: String(reply[0]), head: Number(reply[1]) });
    }
    return reply;
  }

  #vouch(address: Address, link: Link, isAsking: boolean): Promise<void> {
    return this.witness.vouch(address, async ([epoch, head, run]) => {
      const asked = link.run ?? "";
      const args = [epoch, `${head}`, run, `${this.settings.doubtMs}`];
      const reply = await this.#send(link, isAsking, "vouch", address, [], args);
      const [found, foundHead, isDecided] = reply;
      return Number(isDecided) === 0
        ? undefined
        : { run: asked, epoch: String(found), head: Number(foundHead) };
    });
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
  #follow<T>(address: Address, run: Doing<T>): Promise<T> {
    const link = this.nodes.linkOf(address.slot);
    const running = link?.run === undefined ? this.#waitAndRun(address, run) : run(link, false);
    return running.catch((error: unknown) => this.#redirect(address, run, error));
  }

  async #waitAndRun<T>(address: Address, run: Doing<T>): Promise<T> {
    const link = await this.link(address);
    return await run(link, false);
  }

  async #redirect<T>(address: Address, run: Doing<T>, error: unknown): Promise<T> {
    for (let redirections = 0; redirections < MAX_REDIRECTIONS; redirections++) {
      try {
        if (isReply(error, "MOVED")) {
          await this.nodes.refresh();
          return await this.#waitAndRun(address, run);
        }
        if (isReply(error, "ASK")) {
          const link = this.nodes.linkTo(targetOf(error));
          await link.untilUp(this.settings.waitMs);
          return await run(link, true);
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
