import { BackplaneUnavailable } from "../contract.ts";
import { pause } from "../with_timeout.ts";
import type { Address } from "./address.ts";
import type { Settings } from "./redis_options.ts";

/** What was told of a room: by which process of the server, of which history, up to which offset. */
export interface Knowledge {
  readonly run: string;
  readonly epoch: string;
  readonly head: number;
}

/** Says what is known, empty for nothing; resolves with what holds from now on, or undefined while others are waited for. */
export type Say = (
  known: readonly [epoch: string, head: number, run: string],
) => Promise<Knowledge | undefined>;

interface Room {
  readonly address: Address;
  knowledge: Knowledge;
  /** When it was last told of, by performance.now(). */
  toldAt: number;
}

/** The first pause before it is asked again whether a room is decided, in milliseconds; each is twice as long. */
const FIRST_PAUSE_MS = 20;
/** After how long an isolate that does not use a room is not waited for any more, in milliseconds. */
const IDLE_MS = 5_000;

/**
 * What this isolate was told of rooms, and so may have told others. When a room's server is another process than before, nothing else is
 * done with the room until it was compared with that; see VOUCH in scripts/vouch.ts.
 */
export class HistoryGuard {
  readonly #settings: Settings;
  readonly #rooms = new Map<string, Room>();
  readonly #vouching = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** The rooms of which something is known. */
  addresses(): Address[] {
    return Array.from(this.#rooms.values(), ({ address }) => address);
  }

  /** What is known of a room. */
  knowledge(address: Address): Knowledge | undefined {
    return this.#rooms.get(address.channel)?.knowledge;
  }

  /** Whether what is known of a room was told by another process than this one; undefined stands for none. */
  isInDoubt(address: Address, run: string | undefined): boolean {
    const room = this.#rooms.get(address.channel);
    return room !== undefined && run !== undefined && room.knowledge.run !== run;
  }

  /** Whether what a process published may be delivered. */
  believes(channel: string, run: string): boolean {
    const room = this.#rooms.get(channel);
    return room === undefined || room.knowledge.run === run;
  }

  /** Keeps what was told. What another process says is no news until it was compared. */
  learn(address: Address, { run, epoch, head }: Knowledge): void {
    const room = this.#rooms.get(address.channel);
    const toldAt = performance.now();
    if (!room) {
      this.#rooms.set(address.channel, { address, knowledge: { run, epoch, head }, toldAt });
      return;
    }
    const known = room.knowledge;
    if (known.run !== run) return;
    room.toldAt = toldAt;
    room.knowledge = { run, epoch, head: known.epoch === epoch ? Math.max(known.head, head) : head };
  }

  /** The rooms that nothing was told of for a while, of those that are not used. */
  idle(isUsed: (address: Address) => boolean): Address[] {
    const since = performance.now() - IDLE_MS;
    return Array.from(this.#rooms.values()).filter(({ address, toldAt }) =>
      toldAt < since && !isUsed(address)
    )
      .map(({ address }) => address);
  }

  /** Forgets a room. */
  forget(address: Address): void {
    this.#rooms.delete(address.channel);
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#vouching.values());
  }

  /**
   * Says what is known of a room, until it is decided whether its history is the same.
   * @throws {BackplaneUnavailable} as a rejection, when others have to be waited for too long
   */
  vouch(address: Address, say: Say): Promise<void> {
    const running = this.#vouching.get(address.channel);
    if (running) return running;
    const vouching = this.#vouch(address, say).finally(() => void this.#vouching.delete(address.channel));
    this.#vouching.set(address.channel, vouching);
    return vouching;
  }

  async #vouch(address: Address, say: Say): Promise<void> {
    const giveUpAt = performance.now() + this.#settings.waitMs;
    for (let pauseMs = FIRST_PAUSE_MS;; pauseMs *= 2) {
      const known = this.#rooms.get(address.channel)?.knowledge;
      const knowledge = await say(known ? [known.epoch, known.head, known.run] : ["", 0, ""]);
      if (knowledge) {
        this.#rooms.set(address.channel, { address, knowledge, toldAt: performance.now() });
        return;
      }
      if (this.#closing.signal.aborted || performance.now() + pauseMs > giveUpAt) {
        throw new BackplaneUnavailable("It is being found out whether Redis has lost messages.");
      }
      await pause(pauseMs, this.#closing.signal);
    }
  }
}
