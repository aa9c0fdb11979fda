import type { PageRequest } from "../../backplane/contract.ts";
import type { PresenceMember, Recipient } from "../../../../protocol/frames.ts";
import {
  DEFAULT_PAGE,
  MAX_EVENT_LENGTH,
  MAX_ID_LENGTH,
  MAX_KEY_LENGTH,
  MAX_PAGE,
  MAX_REASON_LENGTH,
} from "../../../../protocol/limits.ts";
import type { Evictions } from "../eviction/evictions.ts";
import type { Outgoing } from "../inbound/send.ts";
import type { Rooms } from "../lazy_rooms.ts";
import { dataText, MAX_USER_LENGTH, recipient, text, whole } from "./check_arguments.ts";
import type {
  ServerEmitOptions,
  ServerHistoryPage,
  ServerPageQuery,
  ServerPublishOptions,
} from "./server_rooms.ts";

/** Sender (`from.user`) of messages of the project itself. */
const PROJECT = "service_role";

/** Dependencies of access to a room. */
export interface RoomAccessDeps {
  /** Read at each call. */
  readonly rooms: Pick<Rooms, "limits" | "page" | "present" | "publish">;
  readonly evictions: Pick<Evictions, "kick" | "disconnect">;
}

/** Checks what server code asks for in one room, and does it. */
export class RoomAccess {
  readonly #name: string;
  readonly #rooms: RoomAccessDeps["rooms"];
  readonly #evictions: RoomAccessDeps["evictions"];

  constructor(name: string, { rooms, evictions }: RoomAccessDeps) {
    this.#name = name;
    this.#rooms = rooms;
    this.#evictions = evictions;
  }

  /** Implements `ServerRoom.publish`. */
  async publish(event: string, data: unknown, options: ServerPublishOptions = {}): Promise<number> {
    const stored = await this.#rooms.publish(this.#name, this.#message(event, data, options));
    if (!stored) throw new Error("The backplane returned no offset for a durable message.");
    return stored.offset;
  }

  /** Implements `ServerRoom.emit`. */
  async emit(event: string, data: unknown, options: ServerEmitOptions = {}): Promise<void> {
    const to = options.to && recipient("to", options.to);
    const key = options.key === undefined ? undefined : text("key", options.key, MAX_KEY_LENGTH);
    const message = { ...this.#message(event, data, options), ephemeral: true, to, key };
    await this.#rooms.publish(this.#name, message);
  }

  /** Implements `ServerRoom.history`. */
  async history({ after, before, limit }: ServerPageQuery = {}): Promise<ServerHistoryPage> {
    if (after !== undefined && before !== undefined) {
      throw new TypeError("before: does not go with after. Name one of them.");
    }
    const size = whole("limit", limit ?? DEFAULT_PAGE, 1, MAX_PAGE);
    const page: PageRequest = after === undefined
      ? { before: whole("before", before ?? Number.MAX_SAFE_INTEGER, 0), limit: size }
      : { after: whole("after", after, 0), limit: size };
    return JSON.parse(await this.#rooms.page(this.#name, page, PROJECT));
  }

  /** Implements `ServerRoom.presence`. */
  async presence(): Promise<readonly PresenceMember[]> {
    const { members }: { members: PresenceMember[] } = JSON.parse(
      await this.#rooms.present(this.#name, PROJECT),
    );
    return members;
  }

  /** Implements `ServerRoom.kick`. */
  async kick(target: Recipient, reason?: string): Promise<void> {
    await this.#evictions.kick(this.#name, recipient("target", target), reasonText(reason));
  }

  #message(event: string, data: unknown, { id, as }: ServerPublishOptions): Outgoing {
    return {
      id: text("id", id ?? crypto.randomUUID(), MAX_ID_LENGTH),
      event: text("event", event, MAX_EVENT_LENGTH),
      data: dataText(data, this.#rooms.limits.max_frame_bytes),
      from: { user: text("as", as ?? PROJECT, MAX_USER_LENGTH) },
    };
  }
}

/** Implements `ServerRooms.disconnect`. */
export async function disconnect(
  target: { readonly user: string },
  reason: string | undefined,
  { evictions }: RoomAccessDeps,
): Promise<void> {
  await evictions.disconnect(
    { user: text("target.user", target?.user, MAX_USER_LENGTH) },
    reasonText(reason),
  );
}

function reasonText(reason: string | undefined): string | undefined {
  return reason === undefined ? undefined : text("reason", reason, MAX_REASON_LENGTH);
}
