import type { MiddlewareHandler } from "hono";
import type { User } from "../../auth/user.ts";
import type { PageRequest } from "../../backplane/contract.ts";
import type { AppEnv, UserEnv } from "../context.ts";
import { endpoint } from "../endpoint.ts";
import { limitBody } from "../middleware/limit_body.ts";
import { RequestProblem } from "../middleware/problem.ts";
import { limitRequests } from "../middleware/rate_limits.ts";
import { userOrSecretKey } from "../middleware/user_or_secret_key.ts";
import { validateLazily } from "../middleware/validate.ts";
import type { Authorize, RoomPermissions } from "../../rooms/policy/authorize.ts";
import { ForeignConnection } from "../../rooms/exclusion_notice.ts";
import type { EventSchemas } from "../../rooms/join_request.ts";
import { askHttpHook, type CodeOfEndpoint } from "./http_publish_hook.ts";
import { pageQuery, publishBody } from "./lazy_schemas.ts";
import { roomAddress } from "./validate_address.ts";
import { maxPublishBytes, publishBatch } from "./publish_batch.ts";

/** Sender (`from.user`) of messages that were published with a secret key. */
const PROJECT = "service_role";

/** Options that the HTTP half of a room endpoint shares with its sockets. */
export interface RoomHttpOptions {
  readonly name: string;
  readonly events: EventSchemas | undefined;
  readonly code: CodeOfEndpoint;
  readonly authorize: Authorize | undefined;
  readonly authenticate: MiddlewareHandler<AppEnv & UserEnv>;
}

/**
 * Creates the HTTP half of an endpoint of rooms (docs/protocol.md, "Over HTTP"): `GET` and
 * `POST /:id/messages`, `GET /:id/position`, `GET /:id/presence`.
 */
// The return type is the endpoint's routes, which `hc<App>()` reads.
// deno-lint-ignore explicit-module-boundary-types
export function createRoomHttp({ name, events, code, authorize, authenticate }: RoomHttpOptions) {
  /** @throws {RequestProblem} `forbidden`, unless the user may do this in the room */
  async function mustBeAllowed(
    decide: Authorize,
    user: User,
    room: string,
    action: keyof RoomPermissions,
  ): Promise<void> {
    const permissions = await (authorize ?? decide)(user, room);
    if (permissions.join && permissions[action]) return;
    throw new RequestProblem("forbidden", { detail: `This user may not do that in this room: ${action}.` });
  }

  return endpoint()
    .get(
      "/:id/messages",
      authenticate,
      limitRequests,
      roomAddress,
      validateLazily("query", pageQuery),
      async (c) => {
        const { id: room } = c.req.valid("param");
        const deps = c.env.deps;
        await mustBeAllowed(deps.authorize, c.get("user"), room, "history");
        const { after, before, limit } = c.req.valid("query");
        const request: PageRequest = after === undefined
          ? { before: before ?? Number.MAX_SAFE_INTEGER, limit }
          : { after, limit };
        const page = await deps.rooms.page(`${name}/${room}`, request, c.get("user").id);
        return c.body(page, 200, JSON_ANSWER);
      },
    )
    .post(
      "/:id/messages",
      userOrSecretKey(authenticate),
      limitRequests,
      roomAddress,
      limitBody(maxPublishBytes),
      publishBatch({ name, events, code, sender: PROJECT }),
      validateLazily("json", publishBody),
      async (c) => {
        const { id: room } = c.req.valid("param");
        const deps = c.env.deps;
        const user = c.get("user");
        if (user) await mustBeAllowed(deps.authorize, user, room, "publish");
        const body = c.req.valid("json");
        const { checkData } = await import("../../rooms/inbound/check_data.ts");
        const checked = checkData(body, events);
        if ("field" in checked) {
          throw new RequestProblem("invalid_request", {
            detail: checked.message,
            field: `json.${checked.field}`,
          });
        }
        const from = { user: user?.id ?? PROJECT };
        const exclude = body.exclude && body.connection;
        // A server has no connection of its own.
        if (exclude !== undefined && !user) throw foreignConnection();
        const key = `${name}/${room}`;
        const given = { ...body, data: checked.data, from, exclude };
        const message = await askHttpHook(code, { message: given, room: key, user, events }, deps);
        const stored = await deps.rooms.publish(key, message).catch((error: unknown) => {
          throw error instanceof ForeignConnection ? foreignConnection() : error;
        });
        if (!stored) return c.json({ id: body.id }, 202);
        return c.json({ id: body.id, offset: stored.offset }, stored.duplicate ? 200 : 201);
      },
    )
    .get(
      "/:id/position",
      userOrSecretKey(authenticate),
      limitRequests,
      roomAddress,
      async (c) => {
        const { id: room } = c.req.valid("param");
        const deps = c.env.deps;
        const user = c.get("user");
        if (user) await mustBeAllowed(deps.authorize, user, room, "join");
        const position = await deps.rooms.position(`${name}/${room}`, user?.id ?? PROJECT);
        return c.body(position, 200, JSON_ANSWER);
      },
    )
    .get("/:id/presence", authenticate, limitRequests, roomAddress, async (c) => {
      const { id: room } = c.req.valid("param");
      const deps = c.env.deps;
      const user = c.get("user");
      await mustBeAllowed(deps.authorize, user, room, "presence");
      return c.body(await deps.rooms.present(`${name}/${room}`, user.id), 200, JSON_ANSWER);
    });
}

function foreignConnection(): RequestProblem {
  return new RequestProblem("invalid_request", {
    detail: "json.connection: must be a connection of the user that sends the message",
    field: "json.connection",
  });
}

/** For answers that are text already. */
const JSON_ANSWER = { "content-type": "application/json", "cache-control": "no-store" };
