import type { PresenceListFrame, PresenceMember, UpdatedMember } from "../protocol/frames.ts";
import type { RoomError } from "./errors.ts";
import { randomId } from "./random_id.ts";
import type { Requests } from "./requests.ts";
import type { Presence, PresenceChange } from "./room.ts";

type State = PresenceMember["state"];
type Changes = Omit<PresenceChange, "members">;

/**
 * Presence list from the server's frames, and the own entry. Requests for the own entry go one at a
 * time, the latest wins, and every connection repeats it.
 */
export class RoomPresence implements Presence {
  /** One entry per connection; the same array until it changes. */
  members: readonly PresenceMember[] = [];
  readonly #requests: Requests;
  #entries = new Map<string, PresenceMember>();
  #users: Map<string, PresenceMember[]> | undefined;
  /** Requested own state; null to be absent. */
  #wanted: State | null = null;
  #waiting: { resolve(): void; reject(error: unknown): void }[] = [];
  #isSending = false;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /**
   * Entries by user; the same map until it changes. Built lazily, since many applications never
   * read it.
   */
  get users(): ReadonlyMap<string, readonly PresenceMember[]> {
    if (!this.#users) {
      this.#users = new Map();
      for (const member of this.members) {
        this.#users.set(member.user, [...this.#users.get(member.user) ?? [], member]);
      }
    }
    return this.#users;
  }

  enter(state: State): Promise<void> {
    // A copy, so that later changes by the application have no effect.
    return this.#want(JSON.parse(JSON.stringify(state)));
  }

  leave(): Promise<void> {
    return this.#want(null);
  }

  /** Repeats the own entry on a new connection. A server that still has it broadcasts nothing. */
  begin(): void {
    if (this.#wanted || this.#waiting[0]) void this.#send();
  }

  /** Drops the own entry and rejects waiting requests, after `close` or a change of user. */
  forget(reason: RoomError): void {
    this.#wanted = null;
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }

  /** Applies a frame and returns the diff, also for the full list after a reconnect. */
  take(frame: PresenceListFrame): PresenceChange {
    const changes = frame.members ? this.#replace(frame.members) : this.#change(frame);
    this.members = [...this.#entries.values()];
    this.#users = undefined;
    return { ...changes, members: this.members };
  }

  #replace(members: readonly PresenceMember[]): Changes {
    const before = this.#entries;
    const now = new Map(members.map((member) => [member.connection, member]));
    this.#entries = now;
    const isChanged = ({ connection, state }: PresenceMember) =>
      before.has(connection) && JSON.stringify(before.get(connection)?.state) !== JSON.stringify(state);
    return {
      joined: members.filter(({ connection }) => !before.has(connection)),
      updated: members.filter(isChanged),
      left: [...before.values()].filter(({ connection }) => !now.has(connection)),
    };
  }

  #change({ joined = [], updated = [], left = [] }: PresenceListFrame): Changes {
    for (const { previous = "", ...member } of [...joined, ...updated] as UpdatedMember[]) {
      this.#entries.delete(previous);
      this.#entries.set(member.connection, member);
    }
    for (const { connection } of left) this.#entries.delete(connection);
    return { joined, updated, left };
  }

  #want(state: State | null): Promise<void> {
    const { closedBy, isOpen } = this.#requests;
    if (closedBy) return Promise.reject(closedBy);
    this.#wanted = state;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      // Otherwise `begin` sends the latest state.
      if (isOpen) void this.#send();
    });
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    do {
      const waiting = this.#waiting;
      this.#waiting = [];
      const frame = { type: "presence", id: randomId(), state: this.#wanted } as const;
      try {
        await this.#requests.ask(frame, { again: true });
        for (const { resolve } of waiting) resolve();
      } catch (error) {
        // Refused, so the next connection does not repeat it.
        if (!this.#waiting[0]) this.#wanted = null;
        for (const { reject } of waiting) reject(error);
      }
    } while (this.#waiting[0]);
    this.#isSending = false;
  }
}
