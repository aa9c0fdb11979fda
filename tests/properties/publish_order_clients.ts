import type { ClientFrame } from "../../packages/protocol/frames.ts";
import { Requests } from "../../packages/client/requests.ts";
import { welcomeFrame } from "../client/machine_world.ts";
import type { ManualClock } from "../client/manual_clock.ts";
import type { SeededRandom } from "../../tools/support/seeded_random.ts";
import { ModelConnection, type ModelIsolate, type Told } from "./publish_order_world.ts";

type PublishFrame = Extract<ClientFrame, { type: "publish" }>;

/** Somebody who publishes, in order, until all of it is stored. */
export interface OrderedClient {
  readonly user: string;
  /** Ids of what was published, in order, and where each was said to be stored. */
  readonly published: ReadonlyMap<string, number | undefined>;
  publish(): void;
  /** Connects to an isolate; what was connected before is broken. */
  connect(isolate: ModelIsolate): void;
  break(): void;
}

/** Limits that are not reached. */
const LIMITS = {
  frames_per_second: 1e6,
  frames_burst: 1e6,
  max_frame_bytes: 65_536,
  dedupe_seconds: 3_600,
};
/** A plain client tries again after what it is told, and up to so many milliseconds more. */
const MOST_LATE_MS = 1_000;

/** What both kinds have in common. */
abstract class ModelClient implements OrderedClient {
  readonly user: string;
  readonly published = new Map<string, number | undefined>();
  protected readonly clock: ManualClock;
  protected connection: ModelConnection | undefined;
  /** The last offset that it was told. */
  #position = 0;
  readonly #latencyMs: number;

  constructor(user: string, clock: ManualClock, latencyMs: number) {
    this.user = user;
    this.clock = clock;
    this.#latencyMs = latencyMs;
  }

  publish(): void {
    const id = `${this.user}-${this.published.size + 1}`;
    this.published.set(id, undefined);
    this.ask({ type: "publish", id, event: "said", data: id });
  }

  connect(isolate: ModelIsolate): void {
    this.break();
    this.connection = new ModelConnection(isolate, this.user, this.#latencyMs, (told) => this.#take(told));
    for (const message of isolate.delivered.slice(this.#position)) this.#take({ type: "message", message });
    this.begin();
  }

  break(): void {
    this.connection?.break();
    this.connection = undefined;
    this.end();
  }

  protected abstract ask(frame: PublishFrame): void;
  protected abstract begin(): void;
  protected abstract end(): void;
  protected abstract answered(told: Exclude<Told, { type: "message" }>): void;
  protected abstract delivered(id: string, offset: number): void;

  #take(told: Told): void {
    if (told.type !== "message") return this.answered(told);
    const { id, offset, from } = told.message;
    if (offset <= this.#position) return;
    this.#position = offset;
    if (from.user === this.user) this.delivered(id, offset);
  }
}

/** Sends what the SDK's requests send. */
export class SdkClient extends ModelClient {
  readonly #requests: Requests;

  constructor(user: string, clock: ManualClock, latencyMs: number) {
    super(user, clock, latencyMs);
    this.#requests = new Requests({ clock, send: (_, frames) => this.connection?.send(frames) });
  }

  protected ask(frame: PublishFrame): void {
    const asked = this.#requests.ask(frame, { again: true });
    void asked.then(({ offset }) => this.published.set(frame.id, offset));
  }

  protected begin(): void {
    this.#requests.connected();
    this.#requests.begin(welcomeFrame({ limits: LIMITS }), true);
  }

  protected end(): void {
    this.#requests.end();
  }

  protected answered(told: Exclude<Told, { type: "message" }>): void {
    this.#requests.answer(told);
  }

  protected delivered(id: string, offset: number): void {
    this.#requests.delivered(id, offset);
  }
}

/** Sends each refused message again after a while of its own, in whatever order that is; on another connection all, in order. */
export class PlainClient extends ModelClient {
  readonly #random: SeededRandom;
  readonly #unanswered = new Map<string, PublishFrame>();

  constructor(user: string, clock: ManualClock, latencyMs: number, random: SeededRandom) {
    super(user, clock, latencyMs);
    this.#random = random;
  }

  protected ask(frame: PublishFrame): void {
    this.#unanswered.set(frame.id, frame);
    this.connection?.send([frame]);
  }

  protected begin(): void {
    this.connection?.send([...this.#unanswered.values()]);
  }

  protected end(): void {}

  protected answered(told: Exclude<Told, { type: "message" }>): void {
    const { id = "" } = told;
    if (told.type === "ack") {
      this.#unanswered.delete(id);
      this.published.set(id, told.offset);
      return;
    }
    const { connection } = this;
    const frame = this.#unanswered.get(id);
    const waitMs = (told.retry_after_ms ?? 0) + this.#random.below(MOST_LATE_MS);
    this.clock.setTimer(() => {
      if (frame && this.connection === connection) connection?.send([frame]);
    }, waitMs);
  }

  // It does not know its own messages when it sees them.
  protected delivered(): void {}
}
