import { bodyLimit } from "hono/body-limit";
import type { User } from "./auth/user.ts";
import type { PageRequest } from "./backplane/contract.ts";
import { createEndpoint } from "./endpoint.ts";
import { authenticate } from "./middleware/auth.ts";
import { RequestProblem } from "./middleware/problem.ts";
import { userOrSecretKey } from "./middleware/user_or_secret_key.ts";
import { validateLate } from "./middleware/validate.ts";
import type { Authorize, RoomPermissions } from "./rooms/authorize.ts";
import type { EventSchemas } from "./rooms/join_request.ts";

/** Who the project itself is as a sender: `from.user` of what was published with a secret key. */
const PROJECT = "service_role";

// Loaded when the first request comes: they need zod.
const address = async () => (await import("./room_address.ts")).RoomAddress;
const pageQuery = async () => (await import("./protocol/page_query.ts")).PageQuery;
const publishBody = async () => (await import("./protocol/client_frames.ts")).PublishBody;

/** What the HTTP half of an endpoint of rooms has in common with its sockets. */
export interface RoomHttpOptions {
  readonly name: string;
  readonly events: EventSchemas | undefined;
  readonly authorize: Authorize | undefined;
}

/**
 * Creates the HTTP half of an endpoint of rooms (docs/protocol.md, "Over HTTP"): `GET` and `POST /:id/messages`,
 * `GET /:id/presence`.
 */
// The return type is the endpoint's routes, which `hc<App>()` reads.
// deno-lint-ignore explicit-module-boundary-types
export function createRoomHttp({ name, events, authorize }: RoomHttpOptions) {
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

  return createEndpoint()
    .get(
      "/:id/messages",
      authenticate,
      validateLate("param", address),
      validateLate("query", pageQuery),
      async (c) => {
        const { id: room } = c.req.valid("param");
        const services = c.get("services");
        await mustBeAllowed(services.authorize, c.get("user"), room, "history");
        const { after, before, limit } = c.req.valid("query");
        const request: PageRequest = after === undefined
          ? { before: before ?? Number.MAX_SAFE_INTEGER, limit }
          : { after, limit };
        const page = await services.rooms.page(`${name}/${room}`, request);
        return c.body(page, 200, JSON_ANSWER);
      },
    )
    .post(
      "/:id/messages",
      userOrSecretKey,
      validateLate("param", address),
      // A body is read before it is validated: its bound comes first.
      (c, next) =>
        bodyLimit({
          maxSize: c.get("services").limits.maxFrameBytes,
          onError: () => {
            throw new RequestProblem("too_large", { field: "json" });
          },
        })(c, next),
      validateLate("json", publishBody),
      async (c) => {
        const { id: room } = c.req.valid("param");
        const services = c.get("services");
        const user = c.get("user");
        if (user) await mustBeAllowed(services.authorize, user, room, "publish");
        const body = c.req.valid("json");
        const { checkData } = await import("./rooms/check_data.ts");
        const checked = checkData(body, events);
        if ("field" in checked) {
          throw new RequestProblem("invalid_request", {
            detail: checked.message,
            field: `json.${checked.field}`,
          });
        }
        const from = { user: user?.id ?? PROJECT };
        const message = { ...body, data: checked.data, from };
        const stored = await services.rooms.publish(`${name}/${room}`, message);
        if (!stored) return c.json({ id: body.id }, 202);
        return c.json({ id: body.id, offset: stored.offset }, stored.duplicate ? 200 : 201);
      },
    )
    .get("/:id/presence", authenticate, validateLate("param", address), async (c) => {
      const { id: room } = c.req.valid("param");
      const services = c.get("services");
      await mustBeAllowed(services.authorize, c.get("user"), room, "presence");
      return c.body(await services.rooms.present(`${name}/${room}`), 200, JSON_ANSWER);
    });
}

/** For answers that are text already. */
const JSON_ANSWER = { "content-type": "application/json", "cache-control": "no-store" };
