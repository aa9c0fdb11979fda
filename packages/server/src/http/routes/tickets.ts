import type { Context, MiddlewareHandler } from "hono";
import type { AppEnv, UserEnv } from "../context.ts";
import { endpoint } from "../endpoint.ts";
import { limitBody } from "../middleware/limit_body.ts";
import { limitRequests } from "../middleware/rate_limits.ts";
import { validateLazily } from "../middleware/validate.ts";

/** Loads the schema of the body, which needs zod. */
async function ticketBody() {
  return (await import("../../schemas/ticket_body.ts")).TicketBody;
}

const validateBody = validateLazily("json", ticketBody);
/** A body is optional. */
const validateIfPresent: typeof validateBody = async (c, next) =>
  isEmpty(c.req.raw) ? await next() : await validateBody(c, next);

/** `POST /tickets`: a ticket that opens one socket or event stream as the user of the token. */
// The return type is what `hc` reads.
// deno-lint-ignore explicit-module-boundary-types
export function tickets(authenticate: MiddlewareHandler<AppEnv & UserEnv>) {
  return endpoint().post("/", authenticate, limitRequests, limitBody(), validateIfPresent, async (c) => {
    const { path } = (isEmpty(c.req.raw) ? undefined : c.req.valid("json")) ?? {};
    const { user } = c.var;
    const { verified, deps } = c.env;
    if (verified?.user.claims !== user.claims) {
      throw new Error("The user of this request is not that of verifyUser. Return it from provideUser.");
    }
    const { ticket, expiresAt } = await deps.tickets.issue(verified.token, user, path && pathOf(c, path));
    c.header("cache-control", "no-store");
    return c.json({ ticket, expires_at: expiresAt }, 201);
  });
}

/** Puts the base path of this request in front of a path. */
function pathOf({ req }: Pick<Context, "req">, path: string): string {
  const { origin, pathname } = new URL(req.url);
  return new URL(origin + pathname.replace(/\/[^/]+\/?$/, "") + path).pathname;
}

function isEmpty({ headers }: Request): boolean {
  return !headers.has("content-type") && !headers.has("transfer-encoding") &&
    Number(headers.get("content-length") ?? 0) === 0;
}
