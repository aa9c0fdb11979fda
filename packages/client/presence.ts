import type { RoomError } from "./errors.ts";
import type { PresenceListFrame, PresenceMember, UpdatedMember } from "../protocol/frames.ts";
import { randomId } from "./random_id.ts";
import type { Requests } from "./requests.ts";
import type { Presence, PresenceChange } from "./room.ts";

type State = PresenceMember["state"];
type Changes = Omit<PresenceChange, "members">;

/** Who is there, kept up to date from frames; and we among them: one request at a time, the latest wins, and again on every connection. */
export class RoomPresence implements Presence {
  /** One entry a connection; the same array until something changes. */
  members: readonly PresenceMember[] = [];
  readonly #requests: Requests;
  #entries = new Map<string, PresenceMember>();
  #users: Map<string, PresenceMember[]> | undefined;
  /** What others are to see of us; null: we are not present. */
  #wanted: State | null = null;
  #waiting: { resolve(): void; reject(error: unknown): void }[] = [];
  #isSending = false;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** The same by user; the same map until something changes. Made when it is asked for: many applications never do. */
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
    // As it is now: what the application changes later is not meant.
    return this.#want(JSON.parse(JSON.stringify(state)));
  }

  leave(): Promise<void> {
    return this.#want(null);
  }

  /** A connection began: the server may have forgotten us. Where it has not, nobody is told anything. */
  begin(): void {
    if (this.#wanted || this.#waiting.length > 0) void this.#send();
  }

  /** The room was closed, or another user's connection begins: who was there is not any more, and what waits is rejected. */
  forget(reason: RoomError): void {
    this.#wanted = null;
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }

  /** Takes a frame in, and says what is different from before: also where the frame lists everybody, after a reconnect. */
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
      // Else it waits for `begin`, and what comes meanwhile replaces it.
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
        // Refused: to try the same on every connection would not help.
        if (this.#waiting.length === 0) this.#wanted = null;
        for (const { reject } of waiting) reject(error);
      }
    } while (this.#waiting.length > 0);
    this.#isSending = false;
  }
}
