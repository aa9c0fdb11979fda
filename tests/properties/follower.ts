import { assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import type { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { HOSTILE_PATIENCE_MS, TcpMember } from "../../tools/support/wire/tcp_member.ts";
import type { FrameOf } from "../support/room_client.ts";
import { Sequence } from "./sequence.ts";

/** How a follower is set up. */
export interface FollowerOptions {
  /** The address of its room, with a query. */
  readonly address: (query: Readonly<Record<string, string | number>>) => Promise<string>;
  readonly plain: boolean;
  /** Messages of history that it asks for when it joins first; undefined asks for none. Then it resumes. */
  readonly history?: number | undefined;
  /** Whether the room keeps everything: then there must be no gap, and no less history than it asks for. */
  readonly keepsAll: boolean;
  /** Told of every answer to a publish. */
  readonly onAnswer?: (frame: FrameOf<"ack"> | FrameOf<"error">) => void;
}

interface ConnectionState {
  /** What comes when it is over does not count. */
  isOver: boolean;
  pings: number;
  pongs: number;
}

interface Connection {
  readonly member: TcpMember;
  readonly state: ConnectionState;
}

/** One client of a room over all its connections; `check` says whether it was sent all that it must be, once, in order. */
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

  /** Connects, anew or to go on after the last message, unless it is connected; does not wait for the welcome. */
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

  /** Sends frames in one piece: as an array where that is understood. Does nothing while it is not connected. */
  async send(frames: readonly unknown[]): Promise<void> {
    if (!this.#connection || frames.length === 0) return;
    const { member } = this.#connection;
    const sending = this.#options.plain
      ? member.sendTexts(frames.map((frame) => JSON.stringify(frame)))
      : member.send(frames);
    await sending.catch(() => {/* the connection is over: it resumes */});
  }

  /** Breaks the connection off. */
  async vanish(): Promise<void> {
    await this.#leave()?.member[Symbol.asyncDispose]();
  }

  /** Closes the connection with a code; what still comes counts. */
  async close(code: number): Promise<void> {
    await this.#connection?.member.close(code);
    this.#leave();
  }

  /** Waits until everything that it has sent over this connection is answered. */
  async settle(): Promise<void> {
    const state = this.#connection?.state;
    if (!state) return;
    const wanted = ++state.pings;
    await this.send([{ type: "ping", id: "settle" }]);
    await this.#until(() => state.pongs >= wanted, `pong ${wanted}`);
  }

  /** Waits until it has the message with this offset, or knows that it is missing. */
  async reach(offset: number): Promise<void> {
    await this.#until(() => (this.sequence.last ?? -1) >= offset, `message ${offset}`);
  }

  /** Fails when anything came that must not, or not when it must. */
  check(): void {
    assertEquals(this.sequence.wrong, undefined);
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
    // Before it knows where its sequence begins it has got nothing that it could go on after.
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
    const { history, keepsAll } = this.#options;
    const { sequence } = this;
    if (sequence.last === undefined) {
      if (welcome.recovered) sequence.fail("a first join says that it recovered");
      if (!history) sequence.begin(welcome.offset);
    } else {
      if (this.#welcome?.epoch !== welcome.epoch) sequence.fail("the epoch is another one");
      if (welcome.offset < sequence.last) sequence.fail(`the head went back to ${welcome.offset}`);
      if (keepsAll && !welcome.recovered) sequence.fail("a resume within retention has not recovered");
    }
    this.#welcome = welcome;
  }

  #takeMessage(message: FrameOf<"message">): void {
    const { history = 0, keepsAll } = this.#options;
    const { sequence } = this;
    const latestStart = Math.max(0, (this.#welcome?.offset ?? 0) - history);
    sequence.takeMessage(message);
    const [first] = sequence.messages.keys();
    if (keepsAll && history && sequence.messages.size === 1 && Number(first) - 1 > latestStart) {
      sequence.fail(`history begins with ${first} only, after ${latestStart} was asked for`);
    }
  }

  #takeGap(gap: FrameOf<"gap">): void {
    const { sequence } = this;
    sequence.takeGap(gap);
    if (this.#options.keepsAll) sequence.fail("there is a gap");
    if (gap.epoch !== this.#welcome?.epoch) sequence.fail(`a gap of ${gap.epoch}`);
  }

  /** The list of members ends the replay: now it is known whether the welcome told the truth. */
  #endReplay(): void {
    const { sequence } = this;
    const { offset = 0, recovered } = this.#welcome ?? {};
    const hasGap = sequence.gaps > this.#gapsBefore;
    if (recovered && hasGap) sequence.fail("recovered, and there is a gap");
    sequence.begin(offset);
    if ((sequence.last ?? 0) < offset) sequence.fail(`${offset} has not come before presence`);
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const giveUpAt = performance.now() + HOSTILE_PATIENCE_MS;
    while (!holds()) {
      this.check();
      const left = Math.max(0, giveUpAt - performance.now());
      await deadline(this.#arrival.promise, left).catch((cause: unknown) => {
        throw new Error(`Waited for ${what}; the last message was ${this.sequence.last}`, { cause });
      });
    }
  }
}
