import type { Context } from "hono";
import { safeParse } from "zod/v4/core";
import type { User } from "../../auth/user.ts";
import type { AppEnv, UserEnv } from "../context.ts";
import { roomKey } from "../../channels/channel_name.ts";
import { isProject, senderOf } from "../../channels/identity.ts";
import { isTooLarge, messageData } from "../../channels/message_data.ts";
import { send } from "../../rooms/inbound/send.ts";
import { isDeeperThan } from "../../schemas/json_depth.ts";
import { MAX_JSON_DEPTH } from "../../../../protocol/limits.ts";
import { BroadcastBatch } from "./broadcast_bodies.ts";
import { MAX_BATCH, MAX_NAME_LENGTH } from "./broadcast_limits.ts";

type HttpContext = Context<AppEnv & UserEnv>;

/** A message of a request, checked. */
interface RestMessage {
  readonly name: string;
  readonly isPrivate: boolean;
  readonly event: string;
  /** JSON text, or bytes. */
  readonly data: string | Uint8Array;
  readonly persist: boolean;
  readonly id: string | undefined;
}

/** Handles `POST /api/broadcast`: messages that the user may not send are dropped, as upstream. */
export async function broadcastBatch(c: HttpContext): Promise<Response> {
  const parsed = safeParse(BroadcastBatch, await readJson(c));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return invalid(c, issue?.path.join(".") || "messages", issue?.message ?? "is wrong");
  }
  const { messages } = parsed.data;
  if (messages.length > MAX_BATCH) {
    return c.json({ message: "Too many messages to broadcast, please reduce the batch size" }, 429);
  }
  const checked = messages.map(({ topic, event, payload, private: isPrivate, id }): RestMessage => ({
    name: topic,
    isPrivate: isPrivate === true,
    event,
    data: isDeeperThan(payload, MAX_JSON_DEPTH) ? "" : JSON.stringify(payload),
    persist: false,
    id,
  }));
  const wrong = checked.findIndex(({ data }) => data === "" || isTooLarge(data));
  if (wrong >= 0) return invalid(c, `messages.${wrong}.payload`, "is too large");
  for (const message of checked) {
    if (await maySend(c, message)) await publish(c, message);
  }
  return c.body(null, 202);
}

/** Handles `POST /api/broadcast/:topic/events/:event`. */
export async function broadcastOne(c: HttpContext, name: string, event: string): Promise<Response> {
  const type = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (name.length > MAX_NAME_LENGTH) {
    return invalid(c, "topic", `has more than ${MAX_NAME_LENGTH} characters`);
  }
  if (event.length > MAX_NAME_LENGTH) {
    return invalid(c, "event", `has more than ${MAX_NAME_LENGTH} characters`);
  }
  let data: string | Uint8Array;
  if (type === "application/octet-stream") data = new Uint8Array(await c.req.arrayBuffer());
  else if (type === undefined || type === "application/json") {
    const value = await readJson(c);
    if (value === undefined) return invalid(c, "payload", "must be JSON");
    if (isDeeperThan(value, MAX_JSON_DEPTH)) {
      return invalid(c, "payload", `is nested deeper than ${MAX_JSON_DEPTH} levels`);
    }
    data = JSON.stringify(value);
  } else {
    return c.json(
      { error: "Unsupported content type. Send application/json or application/octet-stream." },
      415,
    );
  }
  if (isTooLarge(data)) return invalid(c, "payload", "is too large");
  const query = c.req.query();
  const isPrivate = query["private"] === "true";
  const persist = query["persist"] === "true" || query["persist[ttl]"] !== undefined;
  if (persist && !isPrivate) return invalid(c, "persist", "is only for private channels");
  const message = { name, isPrivate, event, data, persist, id: undefined };
  if (!await maySend(c, message)) return c.json({ message: "Unauthorized" }, 403);
  await publish(c, message);
  return c.body(null, 202);
}

async function maySend(c: HttpContext, { name, isPrivate }: RestMessage): Promise<boolean> {
  const user = c.get("user");
  if (!isPrivate || isProject(user)) return true;
  const permissions = await c.env.deps.authorize(user, name);
  return permissions.join && permissions.publish;
}

/** @throws {BackplaneUnavailable} as a rejection */
async function publish(
  c: HttpContext,
  { name, isPrivate, event, data, persist, id }: RestMessage,
): Promise<void> {
  const user: User = c.get("user");
  const message = {
    id: id ?? crypto.randomUUID(),
    event,
    data: messageData(data),
    from: { user: senderOf(user) },
    ephemeral: !persist,
  };
  await send(roomKey(name, isPrivate), message, c.env.deps.rooms.deps);
}

async function readJson(c: HttpContext): Promise<unknown> {
  return await c.req.json().catch(() => undefined);
}

function invalid(c: HttpContext, field: string, problem: string): Response {
  return c.json({ errors: { [field]: [problem] }, message: `${field} ${problem}` }, 422);
}
