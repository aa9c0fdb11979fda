import type { ClientFrame } from "../../packages/protocol/frames.ts";
import type { Requests } from "../../packages/client/requests.ts";
import { welcomeFrame } from "../client/machine_world.ts";
import type { ManualClock } from "../client/manual_clock.ts";
import { createRequests } from "../client/sending_requests.ts";
import type { SeededRandom } from "../../tools/support/seeded_random.ts";
import { ModelConnection, type ModelIsolate, type ServerEvent } from "./publish_order_model.ts";

type PublishFrame = Extract<ClientFrame, { type: "publish" }>;

/** Client that publishes in order until all messages are stored. */
export interface OrderedClient {
  readonly user: string;
  /** Published ids in order, each with its acked offset. */
  readonly published: ReadonlyMap<string, number | undefined>;
  publish(): void;
  /** Connects to an isolate; breaks the previous connection. */
  connect(isolate: ModelIsolate): void;
  break(): void;
}

/** Limits too high to be reached. */
const LIMITS = {
  frames_per_second: 1e6,
  frames_burst: 1e6,
  max_frame_bytes: 65_536,
  dedupe_seconds: 3_600,
};
/** Longest delay that a plain client adds to retry_after_ms, in milliseconds. */
const MAX_RETRY_DELAY_MS = 1_000;

/** Common part of both kinds of clients. */
abstract class ModelClient implements OrderedClient {
  readonly user: string;
  readonly published = new Map<string, number | undefined>();
  protected readonly clock: ManualClock;
  protected connection: ModelConnection | undefined;
  /** Last received offset. */
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
    this.request({ type: "publish", id, event: "chat", data: id });
  }

  connect(isolate: ModelIsolate): void {
    this.break();
    this.connection = new ModelConnection(isolate, this.user, this.#latencyMs, (event) => this.#take(event));
    for (const message of isolate.delivered.slice(this.#position)) this.#take({ type: "message", message });
    this.begin();
  }

  break(): void {
    this.connection?.break();
    this.connection = undefined;
    this.end();
  }

  protected abstract request(frame: PublishFrame): void;
  protected abstract begin(): void;
  protected abstract end(): void;
  protected abstract answered(answer: Exclude<ServerEvent, { type: "message" }>): void;
  protected abstract delivered(id: string, offset: number): void;

  #take(event: ServerEvent): void {
    if (event.type !== "message") return this.answered(event);
    const { id, offset, from } = event.message;
    if (offset <= this.#position) return;
    this.#position = offset;
    if (from.user === this.user) this.delivered(id, offset);
  }
}

/** Client that sends with the SDK's `Requests`. */
export class SdkClient extends ModelClient {
  readonly #requests: Requests;

  constructor(user: string, clock: ManualClock, latencyMs: number) {
    super(user, clock, latencyMs);
    this.#requests = createRequests(clock, (frames) => this.connection?.send(frames));
  }

  protected request(frame: PublishFrame): void {
    const answer = this.#requests.ask(frame, { again: true });
    void answer.then(({ offset }) => this.published.set(frame.id, offset));
  }

  protected begin(): void {
    this.#requests.connected();
    this.#requests.begin(welcomeFrame({ limits: LIMITS }), true);
  }

  protected end(): void {
    this.#requests.end();
  }

  protected answered(answer: Exclude<ServerEvent, { type: "message" }>): void {
    this.#requests.answer(answer);
  }

  protected delivered(id: string, offset: number): void {
    this.#requests.delivered(id, offset);
  }
}

/**
 * Client that retries each refused message after a random delay, and on a new connection all in
 * order.
 */
export class PlainClient extends ModelClient {
  readonly #random: SeededRandom;
  readonly #unanswered = new Map<string, PublishFrame>();

  constructor(user: string, clock: ManualClock, latencyMs: number, random: SeededRandom) {
    super(user, clock, latencyMs);
    this.#random = random;
  }

  protected request(frame: PublishFrame): void {
    this.#unanswered.set(frame.id, frame);
    this.connection?.send([frame]);
  }

  protected begin(): void {
    this.connection?.send([...this.#unanswered.values()]);
  }

  protected end(): void {}

  protected answered(answer: Exclude<ServerEvent, { type: "message" }>): void {
    const { id = "" } = answer;
    if (answer.type === "ack") {
      this.#unanswered.delete(id);
      this.published.set(id, answer.offset);
      return;
    }
    const { connection } = this;
    const frame = this.#unanswered.get(id);
    const waitMs = (answer.retry_after_ms ?? 0) + this.#random.below(MAX_RETRY_DELAY_MS);
    this.clock.setTimer(() => {
      if (frame && this.connection === connection) connection?.send([frame]);
    }, waitMs);
  }

  // Does not recognize its own messages.
  protected delivered(): void {}
}
