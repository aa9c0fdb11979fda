import type { Sender } from "../backplane/contract.ts";
import type { PublishBody } from "../protocol/client_frames.ts";
import { checkData } from "./check_data.ts";
import { ackText } from "./frame_text.ts";
import type { JoinRequest } from "./join_request.ts";
import type { Member } from "./member.ts";
import { send } from "./send.ts";
import type { RoomServices } from "./services.ts";

/**
 * Publishes what one member sends. Frames are handed to the backplane in their order and not waited for, so that a client can
 * have many under way; each is acked, or answered with an error, when its fate is known.
 */
export class Publisher {
  readonly #member: Member;
  readonly #request: JoinRequest;
  readonly #services: RoomServices;
  readonly #from: Sender;
  #pending = 0;

  constructor(member: Member, request: JoinRequest, services: RoomServices) {
    this.#member = member;
    this.#request = request;
    this.#services = services;
    this.#from = { user: member.user.id, connection: member.connection };
  }

  /** Checks and publishes. */
  publish(frame: PublishBody): void {
    const { id } = frame;
    const member = this.#member;
    if (!member.permissions.publish) {
      return member.error("forbidden", { id, message: "This user may not publish in this room." });
    }
    if (this.#pending >= this.#services.maxPendingPublishes) {
      return member.error("rate_limited", { id, message: "Too many publishes wait to be stored." });
    }
    const checked = checkData(frame, this.#request.events);
    if ("field" in checked) return member.error("invalid_frame", { id, ...checked });
    void this.#publish(frame, checked.data);
  }

  /** Never rejects. */
  async #publish({ id, event, ephemeral, to }: PublishBody, data: string): Promise<void> {
    this.#pending += 1;
    try {
      const message = { id, event, data, from: this.#from, ephemeral, to };
      const stored = await send(this.#request.key, message, this.#services);
      this.#member.reply(ackText(id, stored?.offset));
    } catch (error) {
      this.#member.failed(error, id);
    } finally {
      this.#pending -= 1;
    }
  }
}
