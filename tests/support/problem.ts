import { assert, assertEquals } from "@std/assert";
import type { RawResponse } from "../../tools/support/wire/raw_request.ts";

/** Expected content of a refusal. */
export interface ExpectedProblem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  /** Wrong field of the request. */
  readonly field?: string;
}

/** Refusals of a token in protocol.md, "Handshake". */
export const TOKEN_PROBLEMS = {
  missing_token: { status: 401, code: "missing_token", title: "Missing token" },
  invalid_token: { status: 401, code: "invalid_token", title: "Invalid token" },
  token_expired: { status: 401, code: "token_expired", title: "Token expired" },
  auth_unavailable: { status: 503, code: "auth_unavailable", title: "Authentication unavailable" },
} as const satisfies Record<string, ExpectedProblem>;

/** Asserts a problem document (RFC 9457) with a readable detail and the headers of its status. */
export function assertProblem(response: RawResponse, expected: ExpectedProblem): void {
  const { status, headers, body } = response;
  const description = `${status} ${body}`;
  assertEquals(status, expected.status, description);
  assertEquals(headers.get("content-type"), "application/problem+json", description);
  const problem: Record<string, unknown> = JSON.parse(body);
  const { title, code, field } = problem;
  assertEquals(problem.type, `urn:realtime-edge:problem:${expected.code}`);
  assertEquals({ title, status: problem.status, code, field }, {
    title: expected.title,
    status: expected.status,
    code: expected.code,
    field: expected.field,
  });
  assert(typeof problem.detail === "string" && problem.detail.length > 10, description);
  assert(typeof problem.request_id === "string", description);
  const challenge = headers.get("www-authenticate");
  assertEquals(challenge !== null, status === 401, `WWW-Authenticate: ${challenge}`);
  // RFC 6750, section 3: without a token the challenge names no error.
  const errorParameter = code === "missing_token" ? "" : ', error="invalid_token"';
  if (challenge !== null) assert(challenge.startsWith(`Bearer realm="realtime"${errorParameter}`), challenge);
  assertEquals(headers.has("retry-after"), status === 503 || status === 429, "Retry-After");
  if (headers.has("retry-after")) assert(/^[1-9]\d*$/.test(headers.get("retry-after") ?? ""), "Retry-After");
  const isAboutHandshake = code === "expected_websocket" || code === "unsupported_websocket_version";
  assertEquals(headers.get("upgrade"), isAboutHandshake ? "websocket" : null, "Upgrade");
  assertEquals(headers.get("sec-websocket-version"), isAboutHandshake ? "13" : null, "version");
}
