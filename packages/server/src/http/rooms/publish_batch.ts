import type { Context, MiddlewareHandler } from "hono";
import { BackplaneUnavailable } from "../../backplane/contract.ts";
import { type ErrorCode, ERRORS } from "../../../../protocol/error_codes.ts";
import { errorFields } from "../../observability/log.ts";
import { MAX_BATCH_MESSAGES } from "../../../../protocol/limits.ts";
import type { Outgoing } from "../../rooms/inbound/send.ts";
import type { EventSchemas } from "../../rooms/join_request.ts";
import { Refusal } from "../../rooms/server_code/refuse.ts";
import { TookTooLong } from "../../rooms/server_code/within_time.ts";
import { parseSchema } from "../../schemas/parse_schema.ts";
import { isLargerThan } from "../../socket/frame_size.ts";
import type { AppEnv, Deps } from "../context.ts";
import { logOperator } from "../middleware/log_operator.ts";
import { RequestProblem } from "../middleware/problem.ts";
import { checkJsonBody } from "../middleware/validate.ts";
import { askHttpHook, type CodeOfEndpoint } from "./http_publish_hook.ts";
import { publishBody } from "./lazy_schemas.ts";

/** Largest body of a batch, in bytes; a larger `MAX_FRAME_BYTES` counts in its place. */
const MAX_BATCH_BYTES = 1_048_576;

/** Largest body that the request may have: that of a batch, if the key permits one. */
export function maxPublishBytes(c: Context<AppEnv>): number {
  const { maxFrameBytes } = c.env.deps.limits;
  return c.get("hasSecretKey") ? Math.max(MAX_BATCH_BYTES, maxFrameBytes) : maxFrameBytes;
}

/** Options of publishing a batch. */
export interface BatchOptions {
  readonly name: string;
  readonly events: EventSchemas | undefined;
  readonly code: CodeOfEndpoint;
  /** Sender (`from.user`) of the messages. */
  readonly sender: string;
}

/** A fault of one message. */
interface ItemError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly field?: string;
  readonly reason?: string;
}

/** Result of one message, in the order of the request. */
type ItemResult =
  | { readonly id: string; readonly offset?: number }
  | { readonly id?: string; readonly error: ItemError };

type Checked = { readonly message: Outgoing } | { readonly id?: string; readonly error: ItemError };

/**
 * Publishes the messages of a JSON array, and passes any other body on. Stands behind the address's
 * validation. Refuses a user's array with 403 `forbidden`, and more messages than 100 with 400.
 */
export function publishBatch({ name, events, code, sender }: BatchOptions): MiddlewareHandler<AppEnv> {
  return async function publishBatch(c, next) {
    checkJsonBody(c.req.raw.headers);
    // A body that is no JSON is refused by the validation of a single message.
    const body: unknown = await c.req.json().catch(() => undefined);
    const { maxFrameBytes } = c.env.deps.limits;
    if (!Array.isArray(body)) {
      if (!isLargerThan(await c.req.text(), maxFrameBytes)) return await next();
      throw new RequestProblem("too_large", { field: "json" });
    }
    if (!c.get("hasSecretKey")) {
      throw new RequestProblem("forbidden", {
        detail: "Several messages in one request need a secret key of the project. Send one message.",
      });
    }
    if (body.length > MAX_BATCH_MESSAGES) {
      throw new RequestProblem("invalid_request", {
        detail: `json: a batch may have ${MAX_BATCH_MESSAGES} messages, and this one has ${body.length}`,
        field: "json",
      });
    }
    const room = `${name}/${c.req.param("id")}`;
    const valid: Checked[] = [];
    for (const item of body) valid.push(await checkItem(item));
    const checked = await Promise.all(valid.map(askHook));
    logOperator(c, "publish", { room, messages: body.length });
    const messages = checked.flatMap((one) => "message" in one ? [one.message] : []);
    const sent = await c.env.deps.rooms.publishAll(room, messages);
    let at = 0;
    const results = checked.map((one): ItemResult => {
      if ("error" in one) return one;
      const { id } = one.message;
      const stored = sent[at++];
      return stored ? { id, offset: stored.offset } : { id };
    });
    return c.json({ results });

    async function askHook(one: Checked): Promise<Checked> {
      if ("error" in one) return one;
      const { message } = one;
      try {
        return { message: await askHttpHook(code, { message, room, user: undefined, events }, c.env.deps) };
      } catch (error) {
        return { id: message.id, error: hookFault(error, c.env.deps) };
      }
    }

    async function checkItem(item: unknown): Promise<Checked> {
      const id = idOf(item);
      const fail = (code: ErrorCode, message: string, field?: string): Checked => ({
        ...id === undefined ? {} : { id },
        error: { code, message, ...field ? { field } : {} },
      });
      if (isLargerThan(JSON.stringify(item), maxFrameBytes)) {
        return fail("too_large", `A message may have ${maxFrameBytes} bytes as JSON.`);
      }
      const parsed = await parseSchema(await publishBody(), item);
      if (parsed.issue) {
        const field = parsed.issue.path.map(String).join(".");
        return fail("invalid_request", [field, parsed.issue.message].filter(Boolean).join(": "), field);
      }
      if (parsed.value.exclude !== undefined) {
        return fail("invalid_request", "connection: a secret key has no connection to exclude", "connection");
      }
      const { checkData } = await import("../../rooms/inbound/check_data.ts");
      const data = checkData(parsed.value, events);
      if ("field" in data) return fail("invalid_request", data.message, data.field);
      return { message: { ...parsed.value, data: data.data, from: { user: sender } } };
    }
  };
}

/** The fault of a message whose hook failed. */
function hookFault(error: unknown, deps: Deps): ItemError {
  if (error instanceof BackplaneUnavailable) throw error;
  if (error instanceof Refusal) return { code: "refused", message: error.message, reason: error.reason };
  deps.log.error("hook.failed", { hook: "onPublish", ...errorFields(error) });
  const code = error instanceof TookTooLong ? "timeout" : "internal";
  return { code, message: ERRORS[code].detail };
}

function idOf(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null || !("id" in item)) return undefined;
  return typeof item.id === "string" ? item.id : undefined;
}
