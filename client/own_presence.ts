import { RoomError } from "./errors.ts";
import type { Requests } from "./requests.ts";

type State = Readonly<Record<string, unknown>>;

/** What says that this state will never be taken. */
const REFUSALS = new Set(["forbidden", "invalid_frame", "too_large"]);

/** What the user wants others to see: sent one at a time, the latest wins, and again on every connection. */
export class OwnPresence {
  readonly #requests: Requests;
  readonly #createId: () => string;
  /** Null: not present. */
  #wanted: State | null = null;
  #waiting: { resolve(): void; reject(error: unknown): void }[] = [];
  #isSending = false;

  constructor(requests: Requests, createId: () => string) {
    this.#requests = requests;
    this.#createId = createId;
  }

  /** Enters, changes, or leaves with null. Resolves when the server has taken this or a later one. @throws {RoomError} */
  set(state: State | null): Promise<void> {
    // As it is now: what the application changes later is not meant.
    this.#wanted = state === null ? null : JSON.parse(JSON.stringify(state)) as State;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (!this.#isSending) void this.#send();
    });
  }

  /** A connection began: the server may have forgotten us. Where it has not, nobody is told anything. */
  begin(): void {
    if (!this.#isSending && this.#wanted !== null) void this.#send();
  }

  /** The room ended, or another user's began: nobody is present any more. */
  forget(): void {
    this.#wanted = null;
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      await this.#requests.ask({ type: "presence", id: this.#createId(), state: this.#wanted }, {
        again: true,
      });
      for (const { resolve } of waiting) resolve();
    } catch (error) {
      // Refused: to try the same on every connection would not help.
      if (error instanceof RoomError && REFUSALS.has(error.code)) this.#wanted = null;
      for (const { reject } of waiting) reject(error);
    }
    this.#isSending = false;
    if (this.#waiting.length > 0) await this.#send();
  }
}
