import { BackplaneUnavailable, type Page, type PageRequest, type PresenceEntry } from "../contract.ts";
import type { Address } from "./address.ts";
import { isReply, type Link } from "./redis_link.ts";
import { RoomCalls, type ServerCall } from "./room_calls.ts";
import type { ScriptName } from "./prepare_connection.ts";
import { createNodes, type Nodes, type NodesListener } from "./nodes.ts";
import { hasMore } from "../has_more.ts";
import type { ResolvedOptions } from "./redis_options.ts";
import type { ListedEntry } from "../presence_diff.ts";
import { parseMessage, parsePresence } from "./redis_records.ts";
import { escapeText } from "../wire/wire_text.ts";
import { HistoryGuard } from "./history_guard.ts";

/** Current state of a room. */
export interface RoomStatus {
  readonly epoch: string;
  readonly head: number;
  /** Number of presence changes so far. */
  readonly changes: number;
  /** Number of presence entries. */
  readonly count: number;
  /** Time until the next grace period or lease may end, in milliseconds; undefined without any. */
  readonly dueMs: number | undefined;
}

/** Current state of a room, with the news since a position. */
export interface RoomUpdate extends RoomStatus {
  /** Presence; undefined if it equals the position's. */
  readonly present: readonly ListedEntry[] | undefined;
  /** Offset of the oldest retained message. */
  readonly first: number;
  /** Messages after the position, in the stored format. */
  readonly messages: readonly string[];
}

/** Result of an operation on a room. */
export interface RoomResult extends RoomStatus {
  /** Changes if Redis lost the presence list; empty until the first connection enters. */
  readonly generation: string;
  readonly result: unknown;
}

/** Position of a subscription in its room. */
export interface RoomPosition {
  readonly epoch: string;
  /** Last delivered offset. */
  readonly after: number;
  readonly changes: number;
  readonly count: number;
}

/** Call of a script for a room. */
interface ScriptCall {
  readonly name: ScriptName;
  readonly address: Address;
  /** Keys in addition to the room's. */
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** Redis as rooms use it: runs scripts on the server of a room, and keeps the history guard. */
export class RedisServer {
  readonly options: ResolvedOptions;
  readonly nodes: Nodes;
  readonly calls: RoomCalls;
  readonly historyGuard: HistoryGuard;
  /** Id of this isolate. */
  readonly isolate: string = crypto.randomUUID();
  /** Arguments 4 to 9 of every script. */
  readonly #limits: readonly string[];
  readonly #background = new Set<Promise<unknown>>();
  #proposedEpochs = 0;

  constructor(options: ResolvedOptions, listener: NodesListener) {
    this.options = options;
    const { unusedRoomMs, retention: { messages, ageMs, dedupeMs }, graceMs, leaseMs } = options;
    const roomTtlMs = Math.max(unusedRoomMs, ageMs, dedupeMs);
    this.#limits = [roomTtlMs, messages, ageMs, dedupeMs, graceMs, leaseMs].map((number) =>
      `${Math.round(number)}`
    );
    this.historyGuard = new HistoryGuard(options);
    this.nodes = createNodes(options, listener);
    this.calls = new RoomCalls(this.nodes, options.waitMs);
  }

  /**
   * Runs a script. The server runs scripts of one room in the order of the calls.
   * @throws {BackplaneUnavailable} as a rejection
   */
  script(
    name: ScriptName,
    address: Address,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<readonly unknown[]> {
    const call = { name, address, keys, args };
    return this.calls.run(address, (link, isAsking) => this.#run(link, isAsking, call));
  }

  /** Runs a script, and confirms the room's history first if necessary. */
  async #run(link: Link, isAsking: boolean, call: ScriptCall): Promise<readonly unknown[]> {
    const { address } = call;
    const send = () => this.#send(link, isAsking, call);
    if (this.historyGuard.needsConfirmation(address, link.runId)) {
      await this.#confirm(address, link, isAsking);
      return await send();
    }
    try {
      return await send();
    } catch (error) {
      if (!isReply(error, "UNCONFIRMED")) throw error;
      await this.#confirm(address, link, isAsking);
      return await send();
    }
  }

  /** Confirms all rooms whose server has restarted. The sweep repeats failed confirmations. */
  confirmAll(): void {
    for (const address of this.historyGuard.addresses()) {
      const runId = this.nodes.linkOf(address.slot)?.runId;
      if (!this.historyGuard.needsConfirmation(address, runId)) continue;
      const confirm: ServerCall<void> = (link, isAsking) => this.#confirm(address, link, isAsking);
      this.#runInBackground(this.calls.run(address, confirm));
    }
  }

  /**
   * Removes this isolate from the holders of idle rooms, so that no confirmation waits for it.
   * Redis holds all that the isolate broadcast of these rooms.
   */
  releaseIdle(isUsed: (address: Address) => boolean): void {
    for (const address of this.historyGuard.idleAddresses(isUsed)) {
      if (this.nodes.linkOf(address.slot)?.runId === undefined) continue;
      const releasing = this.operate(address, "release").then(() => {
        if (!isUsed(address)) this.historyGuard.forget(address);
      });
      this.#runInBackground(releasing);
    }
  }

  /** Removes this isolate from the holders of all rooms. Never rejects. */
  async releaseAll(): Promise<void> {
    const addresses = this.historyGuard.addresses();
    await Promise.allSettled(addresses.map((address) => this.operate(address, "release")));
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    const closing = this.historyGuard.close();
    await this.nodes.close();
    await closing;
    await Promise.allSettled(this.#background);
  }

  #runInBackground(job: Promise<unknown>): void {
    const done = job.catch((error: unknown) => {
      if (!(error instanceof BackplaneUnavailable)) this.options.onEvent({ type: "failed", error });
    }).finally(() => void this.#background.delete(done));
    this.#background.add(done);
  }

  /** Publishes a payload without storing it. */
  async spublish(address: Address, payload: string): Promise<void> {
    await this.calls.run(address, async (link, isAsking) => {
      const asking = isAsking ? link.command(["ASKING"]) : undefined;
      const [publishing] = await Promise.allSettled([
        link.command(["SPUBLISH", address.channel, payload]),
        asking,
      ]);
      if (publishing.status === "rejected") throw publishing.reason;
    });
  }

  /** Runs an operation on a room's presence; see scripts/room.ts. */
  async operate(address: Address, operation: string, args: readonly string[] = []): Promise<RoomResult> {
    const reply = await this.#room(address, operation, args.map(escapeText));
    return { ...statusOf(reply), result: reply[5], generation: String(reply[6] ?? "") };
  }

  /** Reads the news of a room since a position; without a position, no messages. */
  async refresh(address: Address, position: RoomPosition | undefined): Promise<RoomUpdate> {
    const { after, changes, count, epoch } = position ?? { after: -1, changes: -1, count: -1, epoch: "" };
    const args = [`${after}`, `${this.options.batch}`, `${changes}`, `${count}`, epoch];
    const reply = await this.#room(address, "refresh", args);
    return {
      ...statusOf(reply),
      present: Array.isArray(reply[5]) ? parsePresence(textsOf(reply[5])) : undefined,
      first: Number(reply[6]),
      messages: textsOf(reply[7]),
    };
  }

  /** Reads presence. */
  async present(address: Address): Promise<PresenceEntry[]> {
    const reply = await this.#readRoom(address, "present", []);
    return parsePresence(textsOf(reply[5])).map(({ user, connection, state }) => ({
      user,
      connection,
      state,
    }));
  }

  /** Reads a page of up to 256 KB, and at least one message. */
  async page(address: Address, request: PageRequest): Promise<Page> {
    const { limit, ...bound } = request;
    const args = [...Object.entries(bound).flat().map(String), `${limit}`];
    const reply = await this.#readRoom(address, "page", args);
    const [epoch, head, first] = [String(reply[0]), Number(reply[1]), Number(reply[2])];
    const messages = textsOf(reply[3]).map(parseMessage);
    const read = { epoch, head, first, messages };
    return { ...read, more: hasMore(request, read) };
  }

  async #room(address: Address, operation: string, args: readonly string[]): Promise<readonly unknown[]> {
    return await this.script("room", address, [], [operation, ...args]);
  }

  /** Runs an operation that needs no order with the room's channel, on the connection for reads. */
  async #readRoom(
    address: Address,
    operation: string,
    args: readonly string[],
  ): Promise<readonly unknown[]> {
    const call: ScriptCall = { name: "room", address, keys: [], args: [operation, ...args] };
    return await this.calls.run(address, async ({ reader }, isAsking) => {
      await reader.untilUp(this.options.waitMs);
      return await reader.reads.run(() => this.#run(reader, isAsking, call));
    });
  }

  /** Sends a script, with ASKING if the slot is migrating to the server. */
  async #send(link: Link, isAsking: boolean, call: ScriptCall): Promise<readonly unknown[]> {
    const { name, address, keys, args } = call;
    const runId = link.runId ?? "";
    const shift = `${Math.round(this.options.shiftMs())}`;
    // A script that starts a new history needs an epoch that no room has used.
    const epoch = `${this.isolate.slice(0, 13)}-${(this.#proposedEpochs++).toString(36)}`;
    const header = [shift, runId, epoch, ...this.#limits, this.isolate];
    const asking = isAsking ? link.command(["ASKING"]) : undefined;
    asking?.catch(() => {/* the script rejects too */});
    const reply = await link.script(name, [...address.keys, ...keys], [...header, ...args]);
    if (!Array.isArray(reply)) {
      throw new Error(`Redis at ${link.node} returned an unexpected reply to the script ${name}.`);
    }
    // A missing room has no epoch.
    if (name !== "confirm" && reply[0] !== "") {
      this.historyGuard.observe(address, { runId, epoch: String(reply[0]), head: Number(reply[1]) });
    }
    return reply;
  }

  #confirm(address: Address, link: Link, isAsking: boolean): Promise<void> {
    return this.historyGuard.confirm(address, async ([epoch, head, runId]) => {
      const currentRunId = link.runId ?? "";
      const args = [epoch, `${head}`, runId, `${this.options.confirmMs}`];
      const reply = await this.#send(link, isAsking, { name: "confirm", address, keys: [], args });
      const [decidedEpoch, decidedHead, isDecided] = reply;
      return Number(isDecided) === 0
        ? undefined
        : { runId: currentRunId, epoch: String(decidedEpoch), head: Number(decidedHead) };
    });
  }
}

/** Converts a reply to texts. */
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
