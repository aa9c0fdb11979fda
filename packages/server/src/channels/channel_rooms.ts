import type { EvictionTarget } from "../rooms/eviction/eviction_command.ts";
import type { RoomDeps } from "../rooms/room_deps.ts";
import { ChannelRoom } from "./channel_room.ts";

/** A channel that an operator may end. */
export interface Evictable {
  readonly connection: string;
  readonly sender: string;
  /** Ends the channel for good. */
  kick(reason?: string): void;
}

/** A room that has channels here, or channels that are joining. */
interface OpenRoom {
  readonly opening: Promise<ChannelRoom>;
  readonly channels: Set<Evictable>;
}

/** The rooms of this isolate that have channels. */
export class ChannelRooms {
  readonly deps: RoomDeps;
  readonly #rooms = new Map<string, OpenRoom>();

  constructor(deps: RoomDeps) {
    this.deps = deps;
  }

  /**
   * Opens a room for a channel, until `release`.
   * @throws {BackplaneUnavailable} as a rejection
   */
  async open(key: string, topic: string, channel: Evictable): Promise<ChannelRoom> {
    let held = this.#rooms.get(key);
    if (!held) {
      held = { opening: ChannelRoom.open(key, topic, this.deps), channels: new Set() };
      this.#rooms.set(key, held);
      const opened = held;
      // The next channel tries again; those that wait for it learn of the failure.
      opened.opening.catch(() => this.#forget(key, opened));
    }
    held.channels.add(channel);
    const room = await held.opening;
    if (!room.isLost) return room;
    this.#forget(key, held);
    return await this.open(key, topic, channel);
  }

  /** True if a room takes no more channels. */
  isFull(key: string): boolean {
    return (this.#rooms.get(key)?.channels.size ?? 0) >= this.deps.limits.max_members;
  }

  /** Releases a channel's room. */
  release(key: string, channel: Evictable): void {
    const held = this.#rooms.get(key);
    if (!held?.channels.delete(channel) || held.channels.size > 0) return;
    this.#forget(key, held);
  }

  /** Ends the channels of a user, or one connection. Returns their number. */
  evict(key: string, { user, connection }: EvictionTarget, reason?: string): number {
    const found = [...this.#rooms.get(key)?.channels ?? []]
      .filter((channel) => channel.sender === user || channel.connection === connection);
    for (const channel of found) channel.kick(reason);
    return found.length;
  }

  #forget(key: string, held: OpenRoom): void {
    if (this.#rooms.get(key) === held) this.#rooms.delete(key);
    void held.opening.then((room) => room.close(), () => {/* its channels learned of it */});
  }
}
