import { assert, assertEquals } from "@std/assert";
import { assertProblem, TOKEN_PROBLEMS } from "./problem.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import type { RunningServer } from "./running_server.ts";

/** A part of a token this long is not in a text by chance. */
const FRAGMENT_LENGTH = 12;

/**
 * Asserts that a token is refused with `code`, by `/whoami` as a bearer token and by an upgrade of `/echo` as a query
 * parameter, and that no fragment of it is in a response or in a log line.
 */
export async function assertRefused(
  running: RunningServer,
  token: string,
  code: keyof typeof TOKEN_PROBLEMS = "invalid_token",
): Promise<void> {
  const responses = [
    await rawGet(running.port, "/realtime/whoami", [`Authorization: Bearer ${token}`]),
    await rawGet(running.port, `/realtime/echo?token=${encodeURIComponent(token)}`, HANDSHAKE),
  ];
  for (const response of responses) {
    assertProblem(response, TOKEN_PROBLEMS[code]);
    assertNoFragment(token, response.body);
    assertNoFragment(token, [...response.headers].join("\n"));
  }
  assertEquals(running.logs.filter(({ event }) => event === "request").length, responses.length);
  assertNoFragment(token, JSON.stringify(running.logs));
}

/** Asserts that a token is accepted as one of `user` by `/whoami` and by an upgrade of `/echo`. */
export async function assertAccepted(running: RunningServer, token: string, user = "alice"): Promise<void> {
  const response = await rawGet(running.port, "/realtime/whoami", [`Authorization: Bearer ${token}`]);
  assertEquals(response.status, 200, response.body);
  const { id }: Record<string, unknown> = JSON.parse(response.body);
  assertEquals(id, user);
  const upgraded = await rawGet(running.port, `/realtime/echo?token=${token}`, HANDSHAKE);
  assertEquals(upgraded.status, 101, upgraded.body);
  assertNoFragment(token, JSON.stringify(running.logs));
}

/** Asserts that no 12 characters of the token stand together in a text. */
export function assertNoFragment(token: string, text: string): void {
  for (let start = 0; start + FRAGMENT_LENGTH <= token.length; start++) {
    const fragment = token.slice(start, start + FRAGMENT_LENGTH);
    assert(!text.includes(fragment), `A part of the token, ${fragment}, is in: ${text}`);
  }
}
