import type { Member } from "../member.ts";
import type { RoomContext } from "./room_code.ts";

/** Context of a member's hooks and calls. Its user is always that of the newest token. */
export class MemberContext implements RoomContext {
  readonly #member: Pick<Member, "user" | "connection">;
  readonly #key: string;
  readonly rooms: RoomContext["rooms"];

  /** `key` is the room's name, `ENDPOINT/ID`. */
  constructor(member: Pick<Member, "user" | "connection">, key: string, rooms: RoomContext["rooms"]) {
    this.#member = member;
    this.#key = key;
    this.rooms = rooms;
  }

  get user(): RoomContext["user"] {
    return this.#member.user;
  }

  get connection(): string {
    return this.#member.connection;
  }

  get room(): RoomContext["room"] {
    return this.rooms.room(this.#key);
  }
}
