import { connect, type Room, type RoomState } from "../../../packages/client/mod.ts";
import { soon } from "./expectation.ts";
import { Witness } from "./witness.ts";
import type { Events } from "./world.ts";

/** How a page joins. */
export interface PageJoin {
  readonly url: string;
  readonly token: string;
  /** The wait after a failure: long enough that only an event of the page can cut it short, or short. */
  readonly retryMs: number;
  /** What the answer to a probe may take. */
  readonly probeMs: number;
}

/** What a page has seen so far, as JSON. */
export interface PageSight {
  readonly states: readonly RoomState["type"][];
  /** Codes of the reasons for which it waited. */
  readonly waits: readonly string[];
  readonly offsets: readonly (number | undefined)[];
  /** The id of the connection, while it is live. */
  readonly connection: string | null;
  readonly pending: number;
}

/** A page's one room, for tests that do something to the page from outside. Values are what JSON can hold. */
export class PageRoom {
  #room: Room<Events> | undefined;
  #witness: Witness | undefined;
  #own: Promise<number>[] = [];

  /** Joins, and waits until the room is live. */
  async join({ url, token, retryMs, probeMs }: PageJoin): Promise<PageSight> {
    this.#room = connect<Events>(url, {
      token: () => token,
      retry: { minMs: retryMs, maxMs: retryMs },
      random: () => 0.5,
      timeouts: { probeMs },
    });
    this.#witness = new Witness(this.#room);
    await soon(this.#room.live(), "the room to be live");
    return this.sight();
  }

  /** Publishes without waiting for the ack. */
  publish(n: number): void {
    this.#own.push(this.#joined().room.publish("chat", { n }));
  }

  /** Waits for the acks of all that was published; their offsets. */
  async acks(): Promise<number[]> {
    return await soon(Promise.all(this.#own), "acks");
  }

  /** Waits until there are so many messages. */
  async untilMessages(count: number): Promise<PageSight> {
    await this.#joined().witness.untilMessages(count);
    return this.sight();
  }

  /** Waits until the room waits for a reason. */
  async untilWaiting(code: string): Promise<PageSight> {
    const isIt = (state: RoomState) => state.type === "waiting" && state.reason.code === code;
    await this.#joined().witness.untilState(isIt, `${code}`);
    return this.sight();
  }

  /** Waits for an answer of the server to something that is asked now. */
  async askServer(): Promise<PageSight> {
    await soon(this.#joined().room.history({ after: 0, limit: 1 }), "an answer");
    return this.sight();
  }

  sight(): PageSight {
    const { room: { state, pending }, witness: { states, waits, offsets } } = this.#joined();
    const connection = state.type === "live" ? state.connection : null;
    return { states: states.map(({ type }) => type), waits, offsets, connection, pending };
  }

  #joined(): { readonly room: Room<Events>; readonly witness: Witness } {
    if (!this.#room || !this.#witness) throw new Error("The page has not joined.");
    return { room: this.#room, witness: this.#witness };
  }
}
