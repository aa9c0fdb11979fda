/** Places of a token, and their order: docs/protocol.md, rule 2.2. */
import { assertEquals } from "@std/assert";
import { assertProblem, TOKEN_PROBLEMS } from "../support/problem.ts";
import { HANDSHAKE, rawGet, type RawResponse } from "../../tools/support/wire/raw_request.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { assertNoFragment } from "../support/token_checks.ts";

/** A request as far as tokens are in it. */
interface Carrier {
  readonly headerLines?: readonly string[];
  readonly query?: string;
}

/** The places, first to last. */
const PLACES: readonly (readonly [name: string, carry: (token: string) => Carrier])[] = [
  ["Authorization", (token) => ({ headerLines: [`Authorization: Bearer ${token}`] })],
  ["a subprotocol", (token) => ({ headerLines: [`Sec-WebSocket-Protocol: jwt-${token}`] })],
  ["the parameter token", (token) => ({ query: `token=${token}` })],
  ["the parameter jwt", (token) => ({ query: `jwt=${token}` })],
];

async function upgrade({ port }: RunningServer, ...carriers: Carrier[]): Promise<RawResponse> {
  const query = carriers.flatMap(({ query }) => query ?? []).join("&");
  const headerLines = carriers.flatMap(({ headerLines }) => headerLines ?? []);
  return await rawGet(port, `/realtime/echo?${query}`, [...HANDSHAKE, ...headerLines]);
}

/** The users whose sockets were opened, from the log. */
function openedBy({ logs }: RunningServer): unknown[] {
  return logs.filter(({ event }) => event === "socket.open").map(({ user }) => user);
}

for (const [name, carry] of PLACES) {
  Deno.test(`Handshake 2: a token is taken from ${name}`, async () => {
    await using running = await startServer();
    const token = await running.issuer.token("alice");
    const { status, headers } = await upgrade(running, carry(token));
    assertEquals(status, 101);
    assertEquals(openedBy(running), ["alice"]);
    assertNoFragment(token, [...headers].join("\n"));
    assertNoFragment(token, JSON.stringify(running.logs));
  });
}

for (const [at, [first, carryFirst]] of PLACES.entries()) {
  for (const [second, carrySecond] of PLACES.slice(at + 1)) {
    Deno.test(`Handshake 2: of two tokens, the one in ${first} counts and not the one in ${second}`, async () => {
      await using running = await startServer();
      const [alice, bob] = [await running.issuer.token("alice"), await running.issuer.token("bob")];
      assertEquals((await upgrade(running, carrySecond(bob), carryFirst(alice))).status, 101);
      assertEquals((await upgrade(running, carrySecond("bad"), carryFirst(alice))).status, 101);
      assertEquals(openedBy(running), ["alice", "alice"]);
      assertProblem(
        await upgrade(running, carrySecond(alice), carryFirst("bad")),
        TOKEN_PROBLEMS.invalid_token,
      );
    });
  }
}

/** Other ways to write the same, and other things in an earlier place that are no token. */
const SPELLINGS: Record<string, (token: string) => Carrier> = {
  "with its parameter's name percent-encoded": (token) => ({ query: `%74oken=${token}` }),
  "with its alias's name percent-encoded": (token) => ({ query: `%6A%77%74=${token}` }),
  "after other parameters": (token) => ({ query: `after=1&epoch=x&token=${token}` }),
  "of the scheme `bearer`": (token) => ({ headerLines: [`authorization: bearer ${token}`] }),
  "in a list of subprotocols without blanks": (token) => ({
    headerLines: [`Sec-WebSocket-Protocol: realtime.v1,jwt-${token},other`],
  }),
  "in the second of two subprotocol headers": (token) => ({
    headerLines: ["Sec-WebSocket-Protocol: realtime.v1", `Sec-WebSocket-Protocol: jwt-${token}`],
  }),
  "behind an Authorization of another scheme": (token) => ({
    headerLines: ["Authorization: Basic YWxpY2U6c2VjcmV0", `Sec-WebSocket-Protocol: jwt-${token}`],
  }),
  "behind an empty Authorization": (token) => ({
    headerLines: ["Authorization: Bearer "],
    query: `token=${token}`,
  }),
  "behind an empty subprotocol and an empty parameter": (token) => ({
    headerLines: ["Sec-WebSocket-Protocol: jwt-"],
    query: `token=&jwt=${token}`,
  }),
};
for (const [name, carry] of Object.entries(SPELLINGS)) {
  Deno.test(`Handshake 2: a token ${name} is found`, async () => {
    await using running = await startServer();
    assertEquals((await upgrade(running, carry(await running.issuer.token("alice")))).status, 101);
    assertEquals(openedBy(running), ["alice"]);
  });
}
