import { assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import type { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { HOSTILE_PATIENCE_MS, TcpMember } from "../../tools/support/wire/tcp_member.ts";
import type { FrameOf } from "../support/room_client.ts";
import { Sequence } from "./sequence.ts";

/** Room and behaviour of a follower. */
export interface FollowerOptions {
  /** Address of the room with a query. */
  readonly address: (query: Readonly<Record<string, string | number>>) => Promise<string>;
  readonly plain: boolean;
  /**
   * Messages of history to request on the first join, undefined for none. Later connections resume.
   */
  readonly history?: number | undefined;
  /** True if the room retains everything: gaps and too little history are failures. */
  readonly retainsAll: boolean;
  /** Called with every answer to a publish. */
  readonly onAnswer?: (frame: FrameOf<"ack"> | FrameOf<"error">) => void;
}

interface ConnectionState {
  /** Later frames do not count. */
  isOver: boolean;
  pings: number;
  pongs: number;
}

interface Connection {
  readonly member: TcpMember;
  readonly state: ConnectionState;
}

/**
 * Client of a room over all its connections. `check` fails unless it got every message once, in
 * order.
 */
export class Follower {
  readonly sequence = new Sequence();
  readonly #options: FollowerOptions;
  #connection: Connection | undefined;
  #welcome: FrameOf<"welcome"> | undefined;
  #gapsBefore = 0;
  #arrival = Promise.withResolvers<void>();

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Joins, or resumes after the last message, unless connected. Does not wait for `welcome`. */
  async connect(): Promise<void> {
    if (this.#connection) return;
    const { address, plain } = this.#options;
    const state = { isOver: false, pings: 0, pongs: 0 };
    const onFrame = (frame: ServerFrame): void => {
      if (!state.isOver) this.#take(frame, state);
    };
    this.#gapsBefore = this.sequence.gaps;
    const member = await TcpMember.open(await address(this.#query()), { plain, onFrame });
    this.#connection = { member, state };
  }

  /**
   * Sends frames in one write, as an array to a realtime.v1 server. Does nothing while
   * disconnected.
   */
  async send(frames: readonly unknown[]): Promise<void> {
    if (!this.#connection || frames.length === 0) return;
    const { member } = this.#connection;
    const sending = this.#options.plain
      ? member.sendTexts(frames.map((frame) => JSON.stringify(frame)))
      : member.send(frames);
    await sending.catch(() => {/* the connection is over; the client resumes */});
  }

  /** Aborts the connection. */
  async abort(): Promise<void> {
    await this.#leave()?.member[Symbol.asyncDispose]();
  }

  /** Closes the connection with a code; frames before the close count. */
  async close(code: number): Promise<void> {
    await this.#connection?.member.close(code);
    this.#leave();
  }

  /** Waits until every frame sent over this connection is answered. */
  async settle(): Promise<void> {
    const state = this.#connection?.state;
    if (!state) return;
    const wanted = ++state.pings;
    await this.send([{ type: "ping", id: "settle" }]);
    await this.#until(() => state.pongs >= wanted, `pong ${wanted}`);
  }

  /** Waits for the message with this offset, or for a gap that covers it. */
  async reach(offset: number): Promise<void> {
    await this.#until(() => (this.sequence.last ?? -1) >= offset, `message ${offset}`);
  }

  /** Fails if any frame was wrong or out of order. */
  check(): void {
    assertEquals(this.sequence.failure, undefined);
  }

  #leave(): Connection | undefined {
    const connection = this.#connection;
    if (connection) connection.state.isOver = true;
    this.#connection = undefined;
    return connection;
  }

  #query(): Readonly<Record<string, string | number>> {
    const { history } = this.#options;
    const { last } = this.sequence;
    // A resume needs a known start of the sequence.
    if (this.#welcome && last !== undefined) {
      const { epoch, connection } = this.#welcome;
      return { after: last, epoch, connection };
    }
    return history === undefined ? {} : { history };
  }

  #take(frame: ServerFrame, state: ConnectionState): void {
    if (frame.type === "welcome") this.#enter(frame);
    else if (frame.type === "message") this.#takeMessage(frame);
    else if (frame.type === "gap") this.#takeGap(frame);
    else if (frame.type === "presence" && frame.members) this.#endReplay();
    else if (frame.type === "pong" && frame.id === "settle") state.pongs += 1;
    else if (frame.type === "ack" || frame.type === "error") this.#options.onAnswer?.(frame);
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }

  #enter(welcome: FrameOf<"welcome">): void {
    const { history, retainsAll } = this.#options;
    const { sequence } = this;
    if (sequence.last === undefined) {
      if (welcome.recovered) sequence.fail("a first join is marked as recovered");
      if (!history) sequence.begin(welcome.offset);
    } else {
      if (this.#welcome?.epoch !== welcome.epoch) sequence.fail("the epoch changed");
      if (welcome.offset < sequence.last) sequence.fail(`the head decreased to ${welcome.offset}`);
      if (retainsAll && !welcome.recovered) sequence.fail("a resume within retention has not recovered");
    }
    this.#welcome = welcome;
  }

  #takeMessage(message: FrameOf<"message">): void {
    const { history = 0, retainsAll } = this.#options;
    const { sequence } = this;
    const latestStart = Math.max(0, (this.#welcome?.offset ?? 0) - history);
    sequence.takeMessage(message);
    const [first] = sequence.messages.keys();
    if (retainsAll && history && sequence.messages.size === 1 && Number(first) - 1 > latestStart) {
      sequence.fail(`history begins at ${first}, but the request was for messages after ${latestStart}`);
    }
  }

  #takeGap(gap: FrameOf<"gap">): void {
    const { sequence } = this;
    sequence.takeGap(gap);
    if (this.#options.retainsAll) sequence.fail("there is a gap");
    if (gap.epoch !== this.#welcome?.epoch) sequence.fail(`a gap of the epoch ${gap.epoch}`);
  }

  /** Checks `welcome` at the end of the replay, which the list of members marks. */
  #endReplay(): void {
    const { sequence } = this;
    const { offset = 0, recovered } = this.#welcome ?? {};
    const hasGap = sequence.gaps > this.#gapsBefore;
    if (recovered && hasGap) sequence.fail("recovered in spite of a gap");
    sequence.begin(offset);
    if ((sequence.last ?? 0) < offset) sequence.fail(`message ${offset} did not arrive before presence`);
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const giveUpAt = performance.now() + HOSTILE_PATIENCE_MS;
    while (!condition()) {
      this.check();
      const left = Math.max(0, giveUpAt - performance.now());
      await deadline(this.#arrival.promise, left).catch((cause: unknown) => {
        throw new Error(`Waited for ${what}; the last message was ${this.sequence.last}`, { cause });
      });
    }
  }
}
