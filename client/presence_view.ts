import type { PresenceListFrame, PresenceMember } from "./frames.ts";
import type { PresenceChange } from "./room.ts";

/** Who is there, kept up to date from the frames that tell what changed. */
export class PresenceView {
  #members = new Map<string, PresenceMember>();
  #list: readonly PresenceMember[] = [];
  #users: ReadonlyMap<string, readonly PresenceMember[]> = new Map();

  /** One entry a connection, oldest first; the same array until something changes. */
  get members(): readonly PresenceMember[] {
    return this.#list;
  }

  /** The same by user; the same map until something changes. */
  get users(): ReadonlyMap<string, readonly PresenceMember[]> {
    return this.#users;
  }

  /** Takes a frame in, and says what is different from before: after a reconnect too, where the frame lists everybody. */
  take(frame: PresenceListFrame): PresenceChange {
    const change = frame.members ? this.#replace(frame.members) : this.#change(frame);
    this.#list = [...this.#members.values()];
    const users = new Map<string, PresenceMember[]>();
    for (const member of this.#list) {
      const entries = users.get(member.user);
      if (entries) entries.push(member);
      else users.set(member.user, [member]);
    }
    this.#users = users;
    return { ...change, members: this.#list };
  }

  #replace(members: readonly PresenceMember[]): Omit<PresenceChange, "members"> {
    const before = this.#members;
    this.#members = new Map(members.map((member) => [member.connection, member]));
    const isChanged = (member: PresenceMember) => {
      const known = before.get(member.connection);
      return known !== undefined && JSON.stringify(known.state) !== JSON.stringify(member.state);
    };
    return {
      joined: members.filter(({ connection }) => !before.has(connection)),
      updated: members.filter(isChanged),
      left: [...before.values()].filter(({ connection }) => !this.#members.has(connection)),
    };
  }

  #change({ joined = [], updated = [], left = [] }: PresenceListFrame): Omit<PresenceChange, "members"> {
    for (const member of joined) this.#members.set(member.connection, member);
    for (const { previous, ...member } of updated) {
      if (previous !== undefined) this.#members.delete(previous);
      this.#members.set(member.connection, member);
    }
    for (const { connection } of left) this.#members.delete(connection);
    return { joined, updated, left };
  }
}
