import type { PageRequest, Stored } from "./backplane/contract.ts";
import type { JoinRequest } from "./rooms/join_request.ts";
import type { Rooms } from "./rooms/rooms.ts";
import type { Outgoing } from "./rooms/send.ts";
import type { RoomServices } from "./rooms/services.ts";
import type { SocketHandlers } from "./socket/socket.ts";

/** What an endpoint may do with the isolate's rooms. */
export type RoomsOfIsolate = Pick<
  Rooms,
  "services" | "refusal" | "count" | "memberHandlers" | "page" | "present" | "publish"
>;

/**
 * The isolate's rooms. Their code, with zod, is half of what there is to load (docs/performance.md, "Boot"), so it is loaded when it is
 * first needed: what is asked of a room before that waits for it, and nobody else does.
 */
export class LateRooms implements RoomsOfIsolate {
  readonly services: RoomServices;
  #loading: Promise<Rooms> | undefined;
  #loaded: Rooms | undefined;

  constructor(services: RoomServices) {
    this.services = services;
  }

  /** Loads the code; done once. */
  load(): Promise<Rooms> {
    this.#loading ??= import("./rooms/rooms.ts").then(({ Rooms }) => this.#loaded = new Rooms(this.services));
    return this.#loading;
  }

  /** Why a room takes no more members right now: while the code is not there, nobody is in any. */
  refusal(key: string): "room_full" | undefined {
    return this.#loaded?.refusal(key);
  }

  /** How many rooms and members there are. */
  count(): { readonly rooms: number; readonly members: number } {
    return this.#loaded?.count() ?? { rooms: 0, members: 0 };
  }

  /** What a member's socket does; its opening waits for the code. */
  memberHandlers(request: JoinRequest): SocketHandlers {
    if (this.#loaded) return this.#loaded.memberHandlers(request);
    let handlers: SocketHandlers | undefined;
    return {
      onOpen: async (socket) => {
        handlers = (await this.load()).memberHandlers(request);
        await handlers.onOpen?.(socket);
      },
      onMessage: (socket, data) => handlers?.onMessage?.(socket, data),
      onDrain: (socket, notice) => handlers?.onDrain?.(socket, notice),
      onClose: (socket, close) => handlers?.onClose?.(socket, close),
    };
  }

  /** A page of a room's history, as JSON text. */
  async page(key: string, request: PageRequest): Promise<string> {
    return await (await this.load()).page(key, request);
  }

  /** Who is present in a room, as JSON text. */
  async present(key: string): Promise<string> {
    return await (await this.load()).present(key);
  }

  /** Publishes what did not come over a socket. Resolves with undefined when it was ephemeral. */
  async publish(key: string, message: Outgoing): Promise<Stored | undefined> {
    return await (await this.load()).publish(key, message);
  }
}
