import { deadline } from "@std/async";
import {
  createRoom,
  type FrameSeen,
  type Gap,
  type PresenceChange,
  type Room,
  type RoomError,
  type RoomMessage,
  type RoomOptions,
  type RoomState,
} from "../../../packages/client/mod.ts";
import { PATIENCE_MS } from "../../../tools/support/wire/socket_client.ts";
import type { RunningServer } from "../../support/running_server.ts";

/** Any event with any data. */
export type AnyEvents = Record<string, unknown>;

/** A room, and everything that it has told since before it was opened. `await using` closes it. */
export class FollowedRoom implements AsyncDisposable {
  readonly room: Room<AnyEvents>;
  readonly messages: RoomMessage<AnyEvents>[] = [];
  readonly states: RoomState[] = [];
  readonly gaps: Gap[] = [];
  readonly errors: RoomError[] = [];
  readonly presence: PresenceChange[] = [];
  readonly frames: FrameSeen[] = [];
  #news = Promise.withResolvers<void>();

  private constructor(room: Room<AnyEvents>) {
    this.room = room;
    const tell = () => {
      this.#news.resolve();
      this.#news = Promise.withResolvers();
    };
    const keep = <T>(list: T[]) => (value: T): void => {
      list.push(value);
      tell();
    };
    room.on("message", keep(this.messages));
    room.on("state", keep(this.states));
    room.on("gap", keep(this.gaps));
    room.on("error", keep(this.errors));
    room.on("presence", keep(this.presence));
    room.on("frame", keep(this.frames));
  }

  /** Connects; what the room tells is kept from the first state on. */
  static connect(url: string, options: RoomOptions): FollowedRoom {
    return FollowedRoom.open(createRoom(url, options));
  }

  /** Opens a room; what it tells is kept from the first state on. */
  static open(room: Room<AnyEvents>): FollowedRoom {
    const followed = new FollowedRoom(room);
    room.open();
    return followed;
  }

  /** Offsets of the messages, in the order in which they came. */
  get offsets(): readonly (number | undefined)[] {
    return this.messages.map(({ offset }) => offset);
  }

  /** Data of the messages, in the order in which they came. */
  get data(): readonly unknown[] {
    return this.messages.map(({ data }) => data);
  }

  /** The reasons for which it waited, and the one for which it ended. */
  get reasons(): readonly RoomError[] {
    return this.states.flatMap((state) => "reason" in state ? [state.reason] : []);
  }

  /** Their codes. */
  get waits(): readonly string[] {
    return this.reasons.map(({ code }) => code);
  }

  /** `recovered` of each connection, in order. */
  get recoveries(): readonly (boolean | null)[] {
    return this.states.flatMap((state) => state.type === "live" ? [state.recovered] : []);
  }

  /** Looks whenever the room tells something, until it is so. Rejects when that takes too long. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!holds()) {
      const left = Math.max(0, giveUpAt - performance.now());
      await deadline(this.#news.promise, left).catch((cause: unknown) => {
        throw new Error(`Waited for ${what}; ${this.#summary()}`, { cause });
      });
    }
  }

  /** Waits until so many messages have come. */
  async untilMessages(count: number): Promise<void> {
    await this.until(() => this.messages.length >= count, `${count} messages`);
  }

  /** Waits for the room to be live for the `number`-th time, and returns that state. */
  async untilLive(number: number): Promise<Extract<RoomState, { type: "live" }>> {
    const lives = () => this.states.filter((state) => state.type === "live");
    await this.until(() => lives().length >= number, `connection ${number}`);
    const live = lives()[number - 1];
    if (!live) throw new Error("The states are only added to.");
    return live;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.room.close();
  }

  #summary(): string {
    const states = this.states.map((state) =>
      "reason" in state ? `${state.type} (${state.reason.code})` : state.type
    );
    return `states: ${states.join(", ")}; messages: ${
      this.offsets.join(", ")
    }; pending: ${this.room.pending}`;
  }
}

/** Options of a user of the service with waits as short as tests want them. */
export function quick(
  { issuer }: RunningServer,
  user: string,
  changes: Partial<RoomOptions> = {},
): RoomOptions {
  return {
    token: () => issuer.token(user),
    retry: { minMs: 5, maxMs: 40 },
    timeouts: { connectMs: 1_000, probeMs: 300 },
    ...changes,
  };
}

/** 1 to `count`. */
export function oneTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
