import type { User } from "../../auth/user.ts";
import type { Message, Sender } from "../../backplane/contract.ts";
import type { PublishBody } from "../../schemas/client_frames.ts";
import { checkData } from "./check_data.ts";
import { ackText } from "../outbound/frame_text.ts";
import type { JoinRequest } from "../join_request.ts";
import type { Member } from "../member.ts";
import { PublishOrder } from "./publish_order.ts";
import type { Room } from "../room.ts";
import { send, type SendDeps } from "./send.ts";
import type { RoomDeps } from "../room_deps.ts";

/** Tells of a publish that is held back for one before it. */
const BEHIND = "A message that was sent before this one is not stored: send that one first.";

/** Who publishes. */
export interface Publishing
  extends Pick<Member, "connection" | "permissions" | "reply" | "error" | "failed"> {
  readonly user: Pick<User, "id">;
  readonly room: Pick<Room, "recent"> | undefined;
}

/** What publishing works with. */
export type PublishDeps = SendDeps & Pick<RoomDeps, "maxPendingPublishes">;

/**
 * Publishes what one member sends. Frames are handed to the backplane in their order and not waited for, so that a client can
 * have many under way; each is acked, or answered with an error, when its fate is known. What may come again is not overtaken by
 * what was sent behind it.
 */
export class Publisher {
  readonly #member: Publishing;
  readonly #request: Pick<JoinRequest, "key" | "events">;
  readonly #deps: PublishDeps;
  readonly #from: Sender;
  /** Made with the first durable publish: most members only listen. */
  #order: PublishOrder | undefined;
  #pending = 0;

  constructor(
    member: Publishing,
    request: Pick<JoinRequest, "key" | "events">,
    deps: PublishDeps,
  ) {
    this.#member = member;
    this.#request = request;
    this.#deps = deps;
    this.#from = { user: member.user.id, connection: member.connection };
  }

  /** Checks and publishes. */
  publish(frame: PublishBody): void {
    const { id, ephemeral } = frame;
    const member = this.#member;
    const order = ephemeral ? undefined : this.#order ??= this.#createOrder();
    if (!member.permissions.publish) {
      order?.settle(id);
      return member.error("forbidden", { id, message: "This user may not publish in this room." });
    }
    const checked = checkData(frame, this.#request.events);
    if ("field" in checked) {
      order?.settle(id);
      return member.error("invalid_frame", { id, ...checked });
    }
    const mayGo = order?.admit(id) ?? true;
    if (this.#pending >= this.#deps.maxPendingPublishes) {
      if (mayGo) order?.fail(id);
      return member.error("rate_limited", { id, message: "Too many publishes wait to be stored." });
    }
    if (!mayGo) return member.error("unavailable", { id, message: BEHIND });
    void this.#publish(frame, checked.data, order);
  }

  /** Never rejects. */
  async #publish(
    { id, event, ephemeral, to }: PublishBody,
    data: string,
    order: PublishOrder | undefined,
  ): Promise<void> {
    this.#pending += 1;
    try {
      const message = { id, event, data, from: this.#from, ephemeral, to };
      const stored = await send(this.#request.key, message, this.#deps);
      order?.settle(id);
      this.#member.reply(ackText(id, stored?.offset));
    } catch (error) {
      order?.fail(id);
      this.#member.failed(error, id);
    } finally {
      this.#pending -= 1;
    }
  }

  #createOrder(): PublishOrder {
    const { maxPendingPublishes, now } = this.#deps;
    return new PublishOrder({
      most: 2 * maxPendingPublishes,
      now,
      head: () => this.#member.room?.recent.head ?? 0,
      isDelivered: (id, after) => this.#isDelivered(id, after),
    });
  }

  /** Whether this user's message with this id is among the last ones of the room, after an offset. */
  #isDelivered(id: string, after: number): boolean {
    const recent = this.#member.room?.recent.after(after) ?? [];
    const field = `"id":${JSON.stringify(id)}`;
    return recent.some((text) => text.includes(field) && isMessage(text, this.#from.user, id));
  }
}

function isMessage(text: string, user: string, id: string): boolean {
  const message: Pick<Message, "id" | "from"> = JSON.parse(text);
  return message.id === id && message.from.user === user;
}
