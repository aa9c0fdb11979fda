import { BackplaneUnavailable } from "../contract.ts";
import type { Nodes } from "./nodes.ts";
import { isReply, type Link } from "./redis_link.ts";

/** Maximum redirections of a call while its slot moves. */
const MAX_REDIRECTIONS = 8;
/** Pause before a call is repeated after TRYAGAIN, in milliseconds. */
const TRY_AGAIN_MS = 50;

/** Runs on the server of a slot; `isAsking` if the slot is still migrating to it. */
export type ServerCall<T> = (link: Link, isAsking: boolean) => Promise<T>;

/** What a call is routed by. */
type Slotted = { readonly slot: number };

/** Calls to the servers of rooms. A call follows its room's slot when the slot moves. */
export class RoomCalls {
  readonly #nodes: Nodes;
  /** Longest time that a call waits for a connection, in milliseconds. */
  readonly #waitMs: number;

  constructor(nodes: Nodes, waitMs: number) {
    this.#nodes = nodes;
    this.#waitMs = waitMs;
  }

  /** Returns the link to the server of the room once the link is usable. */
  async link(address: Slotted): Promise<Link> {
    if (!this.#nodes.linkOf(address.slot)) await this.#nodes.refresh();
    const link = this.#nodes.linkOf(address.slot);
    if (!link) {
      throw new BackplaneUnavailable(
        "No server of the Redis cluster has the slot of this room. Check CLUSTER INFO.",
      );
    }
    await link.untilUp(this.#waitMs);
    return link;
  }

  /**
   * Runs a call on the server of the room's slot, and follows redirections. If the link is up, the
   * call starts synchronously, which keeps the order of calls.
   */
  run<T>(address: Slotted, call: ServerCall<T>): Promise<T> {
    const link = this.#nodes.linkOf(address.slot);
    const running = link?.runId === undefined ? this.#waitAndRun(address, call) : call(link, false);
    return running.catch((error: unknown) => this.#redirect(address, call, error));
  }

  async #waitAndRun<T>(address: Slotted, call: ServerCall<T>): Promise<T> {
    const link = await this.link(address);
    return await call(link, false);
  }

  async #redirect<T>(address: Slotted, call: ServerCall<T>, error: unknown): Promise<T> {
    for (let redirections = 0; redirections < MAX_REDIRECTIONS; redirections++) {
      try {
        if (isReply(error, "MOVED")) {
          await this.#nodes.refresh();
          return await this.#waitAndRun(address, call);
        }
        if (isReply(error, "ASK")) {
          const link = this.#nodes.linkTo(targetOf(error));
          await link.untilUp(this.#waitMs);
          return await call(link, true);
        }
        if (isReply(error, "TRYAGAIN")) {
          await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
          return await this.#waitAndRun(address, call);
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

/** Extracts the node of a redirection such as "ASK 3999 127.0.0.1:6381". */
function targetOf(error: unknown): string {
  return /^ASK \d+ (\S+)/.exec(error instanceof Error ? error.message : "")?.[1] ?? "";
}
