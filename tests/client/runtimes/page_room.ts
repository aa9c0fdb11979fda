import { connect, type Room, type RoomState } from "../../../packages/client/mod.ts";
import { soon } from "./expectation.ts";
import { RoomRecorder } from "./room_recorder.ts";
import type { Events } from "./environment.ts";

/** Options of a join. */
export interface PageJoin {
  readonly url: string;
  readonly token: string;
  /** Wait after a failure, either short or so long that only a page event can shorten it. */
  readonly retryMs: number;
  /** Longest wait for the answer to a probe. */
  readonly probeMs: number;
}

/** A page's observations so far, as JSON. */
export interface PageSight {
  readonly states: readonly RoomState["type"][];
  /** Codes of the reasons for which it waited. */
  readonly waits: readonly string[];
  readonly offsets: readonly (number | undefined)[];
  /** The id of the connection, while it is live. */
  readonly connection: string | null;
  readonly pending: number;
}

/** The room of a page, for tests that control the page from outside. All values are JSON. */
export class PageRoom {
  #room: Room<Events> | undefined;
  #recorder: RoomRecorder | undefined;
  #own: Promise<number>[] = [];

  /** Joins, and waits until the room is live. */
  async join({ url, token, retryMs, probeMs }: PageJoin): Promise<PageSight> {
    this.#room = connect<Events>(url, {
      token: () => token,
      retry: { minMs: retryMs, maxMs: retryMs },
      random: () => 0.5,
      timeouts: { probeMs },
    });
    this.#recorder = new RoomRecorder(this.#room);
    await soon(this.#room.live(), "the room to be live");
    return this.sight();
  }

  /** Enters presence, and waits for the ack. */
  async enter(): Promise<void> {
    await soon(this.#joined().room.presence.enter({}), "the ack of presence");
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
    await this.#joined().recorder.untilMessages(count);
    return this.sight();
  }

  /** Waits until the room waits for a reason. */
  async untilWaiting(code: string): Promise<PageSight> {
    const isIt = (state: RoomState) => state.type === "waiting" && state.reason.code === code;
    await this.#joined().recorder.untilState(isIt, `${code}`);
    return this.sight();
  }

  /** Waits for an answer of the server to something that is asked now. */
  async askServer(): Promise<PageSight> {
    await soon(this.#joined().room.history({ after: 0, limit: 1 }), "an answer");
    return this.sight();
  }

  sight(): PageSight {
    const { room: { state, pending }, recorder: { states, waits, offsets } } = this.#joined();
    const connection = state.type === "live" ? state.connection : null;
    return { states: states.map(({ type }) => type), waits, offsets, connection, pending };
  }

  #joined(): { readonly room: Room<Events>; readonly recorder: RoomRecorder } {
    if (!this.#room || !this.#recorder) throw new Error("The page has not joined.");
    return { room: this.#room, recorder: this.#recorder };
  }
}
