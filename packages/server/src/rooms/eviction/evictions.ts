import { MAX_REASON_LENGTH } from "../../../../protocol/limits.ts";
import { CommandRoom, type CommandRoomDeps } from "./command_room.ts";
import type { EvictionCommand, EvictionTarget } from "./eviction_command.ts";

/** Dependencies of `Evictions`. */
export interface EvictionsDeps extends CommandRoomDeps {
  /** Rooms of this isolate. Returns the number of memberships that it ended. */
  readonly rooms: { evict(room: string, target: EvictionTarget, reason?: string): number };
  /** Sockets and event streams of this isolate. Returns the number that it closed. */
  readonly connections: { disconnect(userId: string, reason?: string): number };
}

/**
 * Ends members and connections on every isolate. This isolate acts at once; others when the command
 * reaches them. A command concerns the connections of its moment: a user may come back unless the
 * policy refuses.
 */
export class Evictions {
  readonly #deps: EvictionsDeps;
  readonly #commands: CommandRoom;
  /** Unlike the isolate's id, which the host may choose, it is unique to this object. */
  readonly #isolate = crypto.randomUUID();

  constructor(deps: EvictionsDeps) {
    this.#deps = deps;
    this.#commands = new CommandRoom(deps, ({ isolate, command }) => {
      if (isolate !== this.#isolate) this.#apply(command);
    });
  }

  /**
   * Ends the memberships of a user or a connection in a room: they get `error forbidden`, and a
   * room's own socket is closed with 4403. `room` is the name with its endpoint, `rooms/lobby`.
   * Reasons over 200 characters are cut. Resolves when the command is stored; a retry is safe.
   * @throws {BackplaneUnavailable} as a rejection; this isolate's members are gone all the same
   */
  async kick(room: string, target: EvictionTarget, reason?: string): Promise<void> {
    await this.#command({ type: "kick", room, target, ...bounded(reason) });
  }

  /**
   * Closes every socket and event stream of a user with 4403, at every endpoint. Otherwise like
   * `kick`.
   * @throws {BackplaneUnavailable} as a rejection
   */
  async disconnect({ user }: { readonly user: string }, reason?: string): Promise<void> {
    await this.#command({ type: "disconnect", target: { user }, ...bounded(reason) });
  }

  /** Begins to follow the commands of other isolates, in the background. */
  follow(): void {
    this.#commands.follow();
  }

  /** Ends following. Call it before the backplane closes. */
  close(): void {
    this.#commands.close();
  }

  async #command(command: EvictionCommand): Promise<void> {
    this.#apply(command);
    await this.#commands.publish({ isolate: this.#isolate, command });
  }

  #apply(command: EvictionCommand): void {
    const { type, target, reason } = command;
    const { rooms, connections, log } = this.#deps;
    const ended = type === "kick"
      ? rooms.evict(command.room, target, reason)
      : connections.disconnect(target.user, reason);
    if (ended === 0) return;
    const room = type === "kick" ? command.room : undefined;
    log.info("evictions.applied", { type, room, ...target, ended });
  }
}

function bounded(reason: string | undefined): { readonly reason?: string } {
  return reason ? { reason: reason.slice(0, MAX_REASON_LENGTH) } : {};
}
