import { assert, assertEquals } from "@std/assert";
import { assertProblem, TOKEN_PROBLEMS } from "./problem.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import type { RunningServer } from "./running_server.ts";

/** Length of a token fragment that does not occur in a text by chance. */
const FRAGMENT_LENGTH = 12;

/**
 * Asserts that a token is refused with `code`, as a bearer token of `/whoami` and as a query
 * parameter of `/echo`, and that no response or log line contains a fragment of it.
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

/** Asserts that `/whoami` and an upgrade of `/echo` accept a token of `user`. */
export async function assertAccepted(running: RunningServer, token: string, user = "alice"): Promise<void> {
  const response = await rawGet(running.port, "/realtime/whoami", [`Authorization: Bearer ${token}`]);
  assertEquals(response.status, 200, response.body);
  const { id }: Record<string, unknown> = JSON.parse(response.body);
  assertEquals(id, user);
  const upgraded = await rawGet(running.port, `/realtime/echo?token=${token}`, HANDSHAKE);
  assertEquals(upgraded.status, 101, upgraded.body);
  assertNoFragment(token, JSON.stringify(running.logs));
}

/** Asserts that a text contains no 12 consecutive characters of the token. */
export function assertNoFragment(token: string, text: string): void {
  for (let start = 0; start + FRAGMENT_LENGTH <= token.length; start++) {
    const fragment = token.slice(start, start + FRAGMENT_LENGTH);
    assert(!text.includes(fragment), `The text contains ${fragment} of the token: ${text}`);
  }
}
