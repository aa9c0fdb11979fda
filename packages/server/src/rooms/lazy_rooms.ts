import type { PageRequest, Stored } from "../backplane/contract.ts";
import { createLazy, type Lazy } from "../lazy.ts";
import { lazyHandlers } from "./lazy_handlers.ts";
import type { SocketHandlers } from "../socket/socket.ts";
import type { EvictionTarget } from "./eviction/eviction_command.ts";
import type { Outgoing } from "./inbound/send.ts";
import type { RoomList, RoomListQuery } from "./list_rooms.ts";
import type { JoinRequest } from "./join_request.ts";
import type { RoomDeps } from "./room_deps.ts";
import type { RoomRegistry } from "./room_registry.ts";
import type { AdmitToRoom } from "./shared/admission.ts";

/** The rooms of this isolate, as endpoints use them. */
export type Rooms =
  & Pick<
    RoomRegistry,
    | "deps"
    | "limits"
    | "refusal"
    | "count"
    | "memberHandlers"
    | "sharedHandlers"
    | "page"
    | "position"
    | "present"
    | "publish"
    | "evict"
    | "list"
    | "publishAll"
    | "hooksDone"
  >
  & {
    /** Adds members of another protocol, which evictions concern too. */
    addEvictable(members: Evictable): void;
  };

/** Members that an operator, or server code, may evict. */
export type Evictable = Pick<RoomRegistry, "evict">;

/**
 * Rooms whose code is loaded when it is first needed, since the first answer needs none of it.
 * Calls made before that wait for it.
 */
export class LazyRooms implements Rooms {
  readonly deps: RoomDeps;
  readonly #registry: Lazy<RoomRegistry>;
  readonly #others: Evictable[] = [];

  constructor(deps: RoomDeps) {
    this.deps = deps;
    this.#registry = createLazy(async () => {
      const { RoomRegistry } = await import("./room_registry.ts");
      return new RoomRegistry(deps);
    });
  }

  /** Loads the code; done once. */
  async load(): Promise<void> {
    await this.#registry.load();
  }

  /** Limits that every member is told in `welcome`. */
  get limits(): RoomRegistry["limits"] {
    return this.deps.limits;
  }

  /**
   * The reason why a room takes no more members right now. While the code is not loaded, all rooms
   * are empty.
   */
  refusal(key: string): "room_full" | undefined {
    return this.#registry.loaded?.refusal(key);
  }

  /** Number of rooms and members. */
  count(): { readonly rooms: number; readonly members: number } {
    return this.#registry.loaded?.count() ?? { rooms: 0, members: 0 };
  }

  /** A page of the rooms that have members here; while the code is not loaded, there are none. */
  list(query: RoomListQuery): RoomList {
    return this.#registry.loaded?.list(query) ?? { rooms: [], next: null };
  }

  /** Publishes messages that did not come over a socket, in their order. */
  async publishAll(key: string, messages: readonly Outgoing[]): Promise<readonly (Stored | undefined)[]> {
    return await (await this.#registry.load()).publishAll(key, messages);
  }

  addEvictable(members: Evictable): void {
    this.#others.push(members);
  }

  /** Evicts members; while the code is not loaded, there are none. Returns their number. */
  evict(key: string, target: EvictionTarget, reason?: string): number {
    const { loaded } = this.#registry;
    return [...loaded ? [loaded] : [], ...this.#others]
      .reduce((sum, members) => sum + members.evict(key, target, reason), 0);
  }

  /** Handlers of a member's socket; its opening waits for the code. */
  memberHandlers(request: JoinRequest): SocketHandlers {
    return lazyHandlers(this.#registry, (registry) => registry.memberHandlers(request));
  }

  /** Handlers of a socket for many rooms; its opening waits for the code. */
  sharedHandlers(admit: AdmitToRoom): SocketHandlers {
    return lazyHandlers(this.#registry, (registry) => registry.sharedHandlers(admit));
  }

  /** Resolves when the hooks of members that have left are done, or after a few seconds. */
  async hooksDone(): Promise<void> {
    await this.#registry.loaded?.hooksDone();
  }

  /** A page of a room's history, as JSON text. */
  async page(key: string, request: PageRequest, userId: string): Promise<string> {
    return await (await this.#registry.load()).page(key, request, userId);
  }

  /** The room's position, as JSON text. */
  async position(key: string, userId: string): Promise<string> {
    return await (await this.#registry.load()).position(key, userId);
  }

  /** The room's presence, as JSON text. */
  async present(key: string, userId: string): Promise<string> {
    return await (await this.#registry.load()).present(key, userId);
  }

  /**
   * Publishes a message that did not come over a socket. Resolves with undefined when it was
   * ephemeral.
   */
  async publish(key: string, message: Outgoing): Promise<Stored | undefined> {
    return await (await this.#registry.load()).publish(key, message);
  }
}
