/** Answers of `GET /auth/v1/user` that are no user: of Auth, and of the gateway in front of it. */
import { type Answer, answerAuthError } from "./project_stub.ts";

/**
 * Auth's refusals of a token, with the codes of internal/api/apierrors of supabase/auth. An older
 * API names the code `error_code`.
 */
export const REFUSALS_OF_TOKEN: Readonly<Record<string, Answer>> = {
  "401 no_authorization": answerAuthError(401, "no_authorization"),
  "400 bad_jwt": answerAuthError(400, "bad_jwt"),
  "400 validation_failed": answerAuthError(400, "validation_failed"),
  "403 bad_jwt": answerAuthError(403, "bad_jwt"),
  "403 session_not_found": answerAuthError(403, "session_not_found"),
  "403 session_expired": answerAuthError(403, "session_expired"),
  "403 user_not_found": answerAuthError(403, "user_not_found"),
  "403 user_banned": answerAuthError(403, "user_banned"),
  "404 user_not_found": answerAuthError(404, "user_not_found"),
  "403 bad_jwt in the older form": () => json(403, { code: 403, error_code: "bad_jwt", msg: "invalid JWT" }),
};

/** Answers that say nothing about the token. */
export const OTHER_REFUSALS: Readonly<Record<string, Answer>> = {
  "500 unexpected_failure": answerAuthError(500, "unexpected_failure"),
  "502 with HTML": () => new Response("<h1>Bad gateway</h1>", { status: 502 }),
  "503 overloaded": answerAuthError(503, "overloaded"),
  "504 request_timeout": answerAuthError(504, "request_timeout"),
  "429 over_request_rate_limit": answerAuthError(429, "over_request_rate_limit"),
  "429 with text": () => new Response("slow down", { status: 429 }),
  "522 of a proxy": () => new Response("", { status: 522 }),
  "404 with HTML": () => new Response("<h1>Not found</h1>", { status: 404 }),
  "403 with HTML": () => new Response("<h1>Are you a robot?</h1>", { status: 403 }),
  "403 with text": () => new Response("Forbidden", { status: 403 }),
  "200 with HTML": () => new Response("<h1>Welcome</h1>"),
  "200 with nothing": () => new Response(""),
  "200 with null": () => Response.json(null),
  "200 without a user": () => Response.json({}),
  "200 with a list": () => Response.json([]),
  // Texts of Kong and of Supabase's gateway.
  "404 no Route": () => json(404, { message: "no Route matched with those values" }),
  "403 cannot consume": () => json(403, { message: "You cannot consume this service" }),
  "401 Unauthorized": () => json(401, { message: "Unauthorized" }),
  "401 credentials": () => json(401, { message: "Invalid authentication credentials" }),
  "401 Invalid API key": () => json(401, { message: "Invalid API key", hint: "Double check your API key." }),
  "401 of a gateway with a code": () =>
    json(401, { code: "UNAUTHORIZED_NO_AUTH_HEADER", message: "Missing authorization header" }),
  "401 of a gateway with Auth's header": answerAuthError(401, "UNAUTHORIZED"),
};

function json(status: number, body: unknown): Response {
  return Response.json(body, { status });
}
