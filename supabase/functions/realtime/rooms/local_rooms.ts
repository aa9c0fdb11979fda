import type { Socket } from "../socket/socket.ts";

/**
 * The rooms of this isolate, and nothing more: members in other isolates are not reached and nothing is kept. The rooms
 * protocol with its backplanes takes this place.
 */
export class LocalRooms {
  readonly #members = new Map<string, Set<Socket>>();

  /** Adds a member; joining twice does nothing. */
  join(room: string, socket: Socket): void {
    const members = this.#members.get(room);
    if (members) members.add(socket);
    else this.#members.set(room, new Set([socket]));
  }

  /** Removes a member, and with the last one the room. */
  leave(room: string, socket: Socket): void {
    const members = this.#members.get(room);
    if (members?.delete(socket) && members.size === 0) this.#members.delete(room);
  }

  /** Sends text to every member of the room that is open, the sender included. */
  broadcast(room: string, text: string): void {
    for (const member of this.#members.get(room) ?? []) member.send(text);
  }
}
