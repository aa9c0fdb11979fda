import { assert, assertEquals, assertMatch } from "@std/assert";
import { deadline } from "@std/async";
import type { Received } from "../support/channels/joined_channel.ts";
import { StockClient } from "../support/channels/stock_client.ts";
import type { RealtimeChannel } from "../support/channels/supabase_js.ts";
import type { Deployment } from "./deployment.ts";
import { TcpProxy } from "./tcp_proxy.ts";

/** A stored broadcast as a listener got it. */
interface Seen {
  readonly id: string;
  readonly offset: number;
  readonly text: string;
}

/** Options of a member. */
interface StockMemberOptions {
  readonly user: string;
  /** Number of the isolate. */
  readonly isolate: number;
  /** Beginning of every replay, in milliseconds since 1970. */
  readonly since: number;
}

/** Limit of each wait, on a busy machine. */
const PATIENCE_MS = 20_000;
/** Limit for the answer to a broadcast. The isolate may be gone. */
const ACK_MS = 1_500;
/** Broadcasts under way at once. */
const WINDOW = 4;

/**
 * Client of supabase-js in the private channel `log`, behind a proxy that can move to another
 * isolate. Subscribes again by itself, each time with the same replay.
 */
export class StockMember implements AsyncDisposable {
  readonly received: Seen[] = [];
  /** The received broadcasts of each subscription. */
  readonly subscriptions: Seen[][] = [];
  /** Texts of acked broadcasts, in the order of sending. */
  readonly acked: string[] = [];
  isolate: number;
  readonly #user: string;
  readonly #proxy: TcpProxy;
  readonly #client: StockClient;
  readonly #channel: RealtimeChannel;
  #arrival = Promise.withResolvers<void>();
  #isSending = false;
  #isReplaying = false;
  #sending: Promise<void> = Promise.resolve();

  private constructor(deployment: Deployment, { user, isolate, since }: StockMemberOptions) {
    this.#user = user;
    this.isolate = isolate;
    this.#proxy = TcpProxy.open(deployment.isolate(isolate).process.port);
    this.#client = new StockClient(this.#proxy, { accessToken: () => deployment.issuer.token(user) });
    this.#channel = this.#client.realtime.channel("log", {
      config: { private: true, broadcast: { ack: true, replay: { since } } },
    });
    this.#channel.on("broadcast", { event: "*" }, (message) => this.#take(message as unknown as Received));
  }

  /** Joins, and waits for the subscription. */
  static async join(deployment: Deployment, options: StockMemberOptions): Promise<StockMember> {
    const member = new StockMember(deployment, options);
    await member.#client.realtime.setAuth();
    member.#channel.subscribe((status) => {
      if (status === "SUBSCRIBED") member.#record(() => member.subscriptions.push([]));
    });
    await member.#until(() => member.subscriptions.length > 0, "the subscription");
    return member;
  }

  /** Stores broadcasts until `stopSending`, some at once. */
  startSending(): void {
    this.#isSending = true;
    this.#sending = this.#sendAll();
    this.#sending.catch(() => {/* stopSending() reports it */});
  }

  async stopSending(): Promise<void> {
    this.#isSending = false;
    await deadline(this.#sending, PATIENCE_MS);
  }

  /** Moves to another isolate at once. */
  moveTo(deployment: Deployment, isolate: number): void {
    this.isolate = isolate;
    this.#isReplaying = false;
    this.#proxy.redirect(deployment.isolate(isolate).process.port);
  }

  async untilAcked(count: number): Promise<void> {
    await this.#until(() => this.acked.length >= count, `${count} acks`);
  }

  /**
   * Waits for a broadcast behind the last one that its sender has an ack for. The broadcasts of the
   * other senders may wait behind that one.
   */
  async untilSeesUnacked(senders: readonly StockMember[]): Promise<void> {
    const isUnacked = ({ text }: Seen) => {
      const sender = senders.find((sender) => text.startsWith(`${sender.#user}-`));
      return sender !== undefined && numberOf(text) > numberOf(sender.acked.at(-1));
    };
    await this.#until(() => this.received.some(isUnacked), "a broadcast without an ack");
  }

  /** Waits for a replayed broadcast since the last move. */
  async untilReplaying(): Promise<void> {
    await this.#until(() => this.#isReplaying, "a replay");
  }

  /** Waits until these texts are received. */
  async untilSeen(texts: readonly string[]): Promise<void> {
    const missing = () => {
      const seen = new Set(this.received.map(({ text }) => text));
      return texts.filter((text) => !seen.has(text));
    };
    await this.#until(() => missing().length === 0, () => `acked broadcasts: ${missing().join()}`);
  }

  /** The broadcasts without those whose id is known already, as docs/supabase-js.md says. */
  deduplicated(): readonly Seen[] {
    const byId = new Map<string, Seen>();
    for (const seen of this.received) {
      const known = byId.get(seen.id);
      if (known) assertEquals(seen.text, known.text, "one id, one broadcast");
      else byId.set(seen.id, seen);
    }
    return [...byId.values()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isSending = false;
    this.#record(() => {});
    await this.#sending.catch(() => {/* the test has failed already */});
    await this.#client[Symbol.asyncDispose]();
    await this.#proxy[Symbol.asyncDispose]();
  }

  async #sendAll(): Promise<void> {
    for (let first = 0; this.#isSending; first += WINDOW) {
      // The client stores nothing while it is not subscribed.
      await this.#until(() => this.#channel.state === "joined" || !this.#isSending, "a subscription");
      const texts = Array.from({ length: WINDOW }, (_, at) => `${this.#user}-${first + at}`);
      const answers = await Promise.all(texts.map((text) => this.#send(text)));
      this.#record(() => this.acked.push(...texts.filter((_, at) => answers[at] === "ok")));
    }
  }

  /** Sends a text once: one that fails is not sent again, so that each text is one broadcast. */
  async #send(text: string): Promise<string> {
    const broadcast = { type: "broadcast", event: "line", payload: { text }, persist: true };
    return await this.#channel.send(broadcast as never, { timeout: ACK_MS });
  }

  #take({ payload, meta }: Received): void {
    const { text } = payload as { readonly text: string };
    assert(meta?.id, "a stored broadcast has an id");
    assertMatch(meta.id, /^.+:\d+$/);
    const seen = { id: meta.id, offset: Number(meta.id.split(":").at(-1)), text };
    this.#record(() => {
      this.#isReplaying ||= meta.replayed === true;
      this.received.push(seen);
      this.subscriptions.at(-1)?.push(seen);
    });
  }

  #record(update: () => void): void {
    update();
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }

  async #until(holds: () => boolean, what: string | (() => string)): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!holds()) {
      const leftMs = Math.max(0, giveUpAt - performance.now());
      await deadline(this.#arrival.promise, leftMs).catch((cause: unknown) => {
        const missing = typeof what === "string" ? what : what();
        throw new Error(`${this.#user} waited too long for ${missing}`, { cause });
      });
    }
  }
}

/** Number of a sender's text. */
function numberOf(text = "-1"): number {
  return Number(text.split("-")[1]);
}
