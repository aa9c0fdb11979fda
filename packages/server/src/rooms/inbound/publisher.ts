import type { User } from "../../auth/user.ts";
import type { Message, Sender } from "../../backplane/contract.ts";
import type { PublishFrame } from "../../../../protocol/frames.ts";
import { checkData } from "./check_data.ts";
import { ackText } from "../outbound/frame_text.ts";
import type { JoinRequest } from "../join_request.ts";
import type { Member } from "../member.ts";
import { PublishOrder } from "./publish_order.ts";
import type { Room } from "../room.ts";
import { type Outgoing, send, type SendDeps } from "./send.ts";
import type { RoomDeps } from "../room_deps.ts";
import { hookError } from "../server_code/hook_failure.ts";
import { Refusal } from "../server_code/refuse.ts";

/** Text for a publish that is rejected because an earlier one is not stored. */
const BEHIND = "A message sent before this one is not stored. Send that one again first.";

/** The member that publishes. */
export interface Publishing extends
  Pick<
    Member,
    "connection" | "permissions" | "reply" | "error" | "failed" | "exclude" | "ackExcluded"
  > {
  readonly user: Pick<User, "id">;
  readonly room: Pick<Room, "recent"> | undefined;
}

/** Dependencies of publishing. */
export type PublishDeps = SendDeps & Pick<RoomDeps, "maxPendingPublishes" | "now" | "log">;

/** Asks the endpoint's `onPublish`; resolves with the message to publish. */
export type AskHook = (message: Outgoing) => Promise<Outgoing>;

/**
 * Publishes the messages of one member. Frames go to the backplane in order, without waiting, so
 * that a client can have many under way. Each gets an ack or an error when its outcome is known. A
 * message that may be retried is not overtaken by later ones.
 */
export class Publisher {
  readonly #member: Publishing;
  readonly #request: Pick<JoinRequest, "key" | "events">;
  readonly #deps: PublishDeps;
  readonly #from: Sender;
  /** Created with the first durable publish: most members only listen. */
  #order: PublishOrder | undefined;
  #pending = 0;
  readonly #askHook: AskHook | undefined;
  /** Settles when the hooks of earlier publishes have run. */
  #hooks: Promise<void> | undefined;

  constructor(
    member: Publishing,
    request: Pick<JoinRequest, "key" | "events">,
    deps: PublishDeps,
    askHook?: AskHook,
  ) {
    this.#member = member;
    this.#request = request;
    this.#deps = deps;
    this.#askHook = askHook;
    this.#from = { user: member.user.id, connection: member.connection };
  }

  /** Checks and publishes. `receivedAt` is when the frame came, by the monotonic clock. */
  publish(frame: PublishFrame, receivedAt: number): void {
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
      return member.error("rate_limited", {
        id,
        message: "Too many publishes are pending. Wait for acks, then send this one again.",
      });
    }
    if (!mayGo) return member.error("unavailable", { id, message: BEHIND });
    if (this.#askHook) void this.#askAndPublish(this.#askHook, frame, receivedAt, checked.data, order);
    else void this.#publish(frame, receivedAt, checked.data, order);
  }

  /** Asks `onPublish` behind the hooks of earlier publishes, then publishes. Never rejects. */
  async #askAndPublish(
    askHook: AskHook,
    frame: PublishFrame,
    receivedAt: number,
    data: string,
    order: PublishOrder | undefined,
  ): Promise<void> {
    const { id, event, ephemeral, to } = frame;
    const member = this.#member;
    const earlier = this.#hooks;
    const { promise, resolve: nextMayRun } = Promise.withResolvers<void>();
    this.#hooks = promise;
    this.#pending += 1;
    try {
      await earlier;
      // An earlier publish may have failed since this one was admitted.
      if (order && !order.admit(id)) return member.error("unavailable", { id, message: BEHIND });
      const changed = await askHook({ id, event, data, from: this.#from, ephemeral, to });
      if (order && !order.admit(id)) return member.error("unavailable", { id, message: BEHIND });
      void this.#publish({ ...frame, event: changed.event }, receivedAt, changed.data, order);
    } catch (error) {
      if (error instanceof Refusal) order?.settle(id);
      else order?.fail(id);
      const { code, details } = hookError({ hook: "onPublish", error, member }, this.#deps.log);
      member.error(code, { ...details, id });
    } finally {
      this.#pending -= 1;
      nextMayRun();
    }
  }

  /** Never rejects. */
  async #publish(
    { id, event, ephemeral, to, exclude, key, ack }: PublishFrame,
    receivedAt: number,
    data: string,
    order: PublishOrder | undefined,
  ): Promise<void> {
    this.#pending += 1;
    const member = this.#member;
    const note = exclude && !ephemeral ? member.exclude(id) : undefined;
    try {
      const message = {
        id,
        event,
        data,
        from: this.#from,
        ephemeral,
        to,
        exclude: exclude && member.connection,
        key,
      };
      const stored = await send(this.#request.key, message, this.#deps);
      order?.settle(id);
      if (note && stored) member.ackExcluded(note, id, stored.offset);
      else if (ack !== false) member.reply(ackText(id, stored?.offset));
      const { metrics, now } = this.#deps;
      if (stored) metrics.publishAck.observe(now() - receivedAt);
    } catch (error) {
      // The room delivered the message, and acked it in its place.
      if (note?.isAcked) return order?.settle(id);
      order?.fail(id);
      member.failed(error, id);
    } finally {
      this.#pending -= 1;
    }
  }

  #createOrder(): PublishOrder {
    const { maxPendingPublishes, now } = this.#deps;
    return new PublishOrder({
      maxPublishes: 2 * maxPendingPublishes,
      now,
      head: () => this.#member.room?.recent.head ?? 0,
      isDelivered: (id, after) => this.#isDelivered(id, after),
    });
  }

  /** True if this user's message with this id is among the room's last ones, after an offset. */
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
