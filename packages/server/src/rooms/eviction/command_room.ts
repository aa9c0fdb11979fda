import type { Backplane, RoomEvent, Subscription } from "../../backplane/contract.ts";
import { pause } from "../../backplane/with_timeout.ts";
import { MAX_PAGE } from "../../../../protocol/limits.ts";
import { errorFields, type Log } from "../../observability/log.ts";
import { commandText, parseCommand, type PublishedCommand } from "./eviction_command.ts";

/**
 * Name of the room that carries commands. Rooms of endpoints contain a slash, so no endpoint, no
 * client and no `rooms.publish()` of SQL reaches this one.
 */
export const COMMAND_ROOM = "commands";

/** Shortest and longest pause before a lost subscription starts again, in milliseconds. */
const RETRY_MS = { min: 250, max: 30_000 } as const;

/** Dependencies of `CommandRoom`. */
export interface CommandRoomDeps {
  readonly backplane: Pick<Backplane, "publish" | "subscribe" | "history">;
  readonly log: Log;
  /** Random number from 0 to below 1. */
  readonly random: () => number;
}

/**
 * Carries commands to all isolates, as durable messages of one room: an isolate whose connection to
 * the store breaks gets them when it is back.
 */
export class CommandRoom {
  readonly #deps: CommandRoomDeps;
  readonly #take: (published: PublishedCommand) => void;
  readonly #end = new AbortController();
  #isFollowing = false;
  /**
   * Time of the newest command that this isolate need not apply any more, by the store's clock;
   * undefined while unknown.
   */
  #appliedAt: number | undefined;

  /** `take` gets every command that is published after `follow`, once. It must not throw. */
  constructor(deps: CommandRoomDeps, take: (published: PublishedCommand) => void) {
    this.#deps = deps;
    this.#take = take;
  }

  /** Publishes a command. Resolves when it is stored. */
  async publish(published: PublishedCommand): Promise<void> {
    await this.#deps.backplane.publish(COMMAND_ROOM, [{
      id: crypto.randomUUID(),
      event: published.command.type,
      data: commandText(published),
      from: { user: "service_role" },
    }]);
  }

  /** Subscribes in the background, until `close`. Further calls do nothing. */
  follow(): void {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    void this.#run();
  }

  /** Ends the subscription. */
  close(): void {
    this.#end.abort();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { log, random } = this.#deps;
    const { signal } = this.#end;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#untilReset();
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        if (failures === 1) log.warn("evictions.unavailable", errorFields(error));
      }
      const longestMs = Math.min(RETRY_MS.max, RETRY_MS.min * 2 ** failures);
      await pause(longestMs / 2 + random() * longestMs / 2, signal);
    }
  }

  /** Follows the room until its history is lost, or until `close`. Rejects if it cannot. */
  async #untilReset(): Promise<void> {
    const { signal } = this.#end;
    // Commands may arrive before `subscribe` resolves.
    const since = this.#appliedAt;
    const { promise: end, resolve } = Promise.withResolvers<void>();
    const subscription = await this.#deps.backplane.subscribe(COMMAND_ROOM, (event) => {
      if (event.type === "reset") resolve();
      else this.#receive(event);
    });
    const close = () => {
      subscription.close();
      resolve();
    };
    if (signal.aborted) return close();
    signal.addEventListener("abort", close, { once: true });
    try {
      await this.#catchUp(subscription, since);
    } catch (error) {
      // Without the time of the newest command a reset starts at the head.
      this.#deps.log.warn("evictions.unavailable", errorFields(error));
    }
    await end;
    signal.removeEventListener("abort", close);
  }

  /**
   * Applies what was published to a new history before this isolate could subscribe again: commands
   * after the time `since`. Without it the subscription is the first one, and only that time is
   * found out.
   */
  async #catchUp({ head }: Subscription, since: number | undefined): Promise<void> {
    const { backplane } = this.#deps;
    if (since === undefined) {
      const { messages: [newest] } = await backplane.history(COMMAND_ROOM, { before: head + 1, limit: 1 });
      this.#appliedAt ??= newest?.at ?? 0;
      return;
    }
    for (let after = 0; after < head;) {
      const { messages, more } = await backplane.history(COMMAND_ROOM, { after, limit: MAX_PAGE });
      for (const { at, data, offset } of messages) {
        after = offset;
        if (at > since && offset <= head) this.#parse(data, at);
      }
      if (!more || messages.length === 0) return;
    }
  }

  #receive(event: RoomEvent): void {
    if (event.type === "messages") { for (const { data, at } of event.messages) this.#parse(data, at); }
    else if (event.type === "gap") {
      const { from, to } = event;
      this.#deps.log.error("evictions.lost", { commands: to - from + 1 });
    }
  }

  #parse(data: string, at: number): void {
    this.#appliedAt = Math.max(this.#appliedAt ?? 0, at);
    const published = parseCommand(data);
    if (published) this.#take(published);
    else this.#deps.log.warn("evictions.malformed", { characters: data.length });
  }
}
