/** Every response of the server is one that its OpenAPI document describes. */
import { assert, assertEquals } from "@std/assert";
import { unavailable } from "../../packages/server/src/auth/verification.ts";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { type Ask, ask, MESSAGE } from "../support/openapi_requests.ts";
import { assertDescribed, type Described, fetchDocument, misfits, operationsOf } from "../support/openapi.ts";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, type StartOptions, startServer } from "../support/running_server.ts";

const SECRET_KEY = "sb_secret_of_this_test";
const KEY = { SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }) };

/** Compares a response with the document; returns its status, and the code of a refusal. */
async function askDescribed(running: RunningServer, one: Described, how?: Ask): Promise<string> {
  const response = await ask(running, one, how);
  const copy = response.clone();
  await assertDescribed(await fetchDocument(running), one, response);
  if (copy.ok) return await copy.text().then(() => String(copy.status));
  const { code }: { code?: string } = await copy.json();
  return `${copy.status} ${code}`;
}

async function pick(
  running: RunningServer,
  choose: (name: string, one: Described) => boolean,
): Promise<Described[]> {
  const all = operationsOf(await fetchDocument(running));
  const chosen = all.filter((one) => choose(`${one.method} ${one.path}`, one));
  assert(chosen.length > 0);
  return chosen;
}

Deno.test("every answer that is no refusal is as the document describes it", async () => {
  const dependencies = [{ name: "auth", check: () => Promise.resolve() }];
  await using running = await startServer({ env: KEY, deps: { dependencies } });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await bob.present({ typing: true });
  await bob.publish(1);
  const asApi = { headers: { apikey: SECRET_KEY } };
  const asks: Readonly<Record<string, readonly Ask[]>> = {
    "GET /metrics": [asApi],
    "GET /rooms": [asApi],
    "POST /disconnect": [{ ...asApi, body: { user: "nobody" } }],
    "POST /rooms/{id}/kick": [{ ...asApi, body: { connection: "none" } }],
    "POST /rooms/{id}/messages": [{}, {}, asApi, {
      body: { ...MESSAGE, ephemeral: true, to: { user: "bob" } },
    }, {
      ...asApi,
      body: [MESSAGE, { ...MESSAGE, id: "h2" }, { ...MESSAGE, id: "h3", ephemeral: true }, { id: "h4" }, 7],
    }],
  };
  for (const one of await pick(running, (name) => !name.endsWith("/events"))) {
    const seen: string[] = [];
    for (const how of asks[`${one.method} ${one.path}`] ?? [{}]) {
      if (["/echo", "/rooms/{id}", "/socket"].includes(one.path)) {
        seen.push(String((await ask(running, one, how)).headers.get("x-status")));
      } else seen.push(await askDescribed(running, one, how));
    }
    const expected = Object.keys(one.operation.responses).filter((status) => /^[12]/.test(status));
    assertEquals([...new Set(seen)].sort(), expected, `${one.method} ${one.path}`);
  }
});

Deno.test("the events of a stream are frames as the document describes them", async () => {
  await using running = await startServer();
  const document = await fetchDocument(running);
  await using alice = await RoomClient.join(running, "r");
  await alice.present({ typing: true });
  await alice.publish({ text: "kept" });
  const [stream] = await pick(running, (name) => name.endsWith("/events"));
  assert(stream);
  const response = await ask(running, stream, { query: "history=10" });
  assert(stream.operation.responses[200]?.content?.[response.headers.get("content-type") ?? ""]);
  const drained = running.logged("stream.open").then(async () => {
    await alice.publish({ text: "live" });
    await alice.present({ typing: false });
    await alice.present(null);
    await running.engine.connections.drain("wall_clock", 0);
  });
  const text = await response.text();
  await drained;
  const frames = [...text.matchAll(/^(event: close\n)?data: (.*)$/gm)].filter(([, close]) => !close);
  const types = frames.map(([, , data = ""]) => {
    const frame: { type: string } = JSON.parse(data);
    const schema = { $ref: "#/components/schemas/ServerFrame" };
    assertEquals(misfits(document, schema, frame, { closed: true }), [], data);
    return frame.type;
  });
  assertEquals(new Set(types), new Set(["welcome", "message", "presence", "draining"]));
});

/** A way to be refused: of which operations, and with what. */
interface Refusal {
  readonly of: (name: string, one: Described) => boolean;
  readonly options?: StartOptions;
  readonly how?: Ask;
  readonly answer: string;
}

const isForUser = (_: string, { operation }: Described) =>
  operation.security?.[0]?.["userToken"] !== undefined;
const isSecured = (_: string, { operation }: Described) => (operation.security ?? []).length > 0;
const isOperators = (name: string) => /^GET \/(metrics|rooms)$|\/(disconnect|kick)$/.test(name);
const isOfRoom = (name: string) => name.includes("{id}") && !isOperators(name);
const isConnection = (name: string) => /\/(echo|events|\{id\})$/.test(name);
const isPageOrPost = (name: string) => /\/(messages|position|presence)$/.test(name);
const isJoin = (name: string) => /\/(events|\{id\})$/.test(name);
const nobody = { authorize: () => ({ join: false, publish: false, presence: false, history: false }) };
const throwing = (error: Error) => ({
  authorize: () => {
    throw error;
  },
});
const unverifiable = { verifier: { verify: () => Promise.resolve(unavailable("No answer.", undefined)) } };

const REFUSALS: readonly Refusal[] = [
  { of: isSecured, how: { headers: {} }, answer: "401 missing_token" },
  { of: isForUser, how: { headers: { authorization: "Bearer x" } }, answer: "401 invalid_token" },
  { of: isOperators, answer: "403 forbidden" },
  { of: isOperators, how: { headers: { apikey: "sb_secret_unknown" } }, answer: "401 invalid_token" },
  {
    of: (name) => name.startsWith("POST") && isOperators(name),
    options: { env: KEY },
    how: { headers: { apikey: SECRET_KEY }, body: { user: "" } },
    answer: "400 invalid_request",
  },
  { of: isForUser, options: { deps: unverifiable }, answer: "503 auth_unavailable" },
  { of: (name) => /\/(echo|\{id\})$/.test(name), how: { plain: true }, answer: "400 expected_websocket" },
  { of: isOfRoom, how: { room: "r".repeat(129) }, answer: "400 invalid_request" },
  { of: isOfRoom, options: { deps: nobody }, answer: "403 forbidden" },
  { of: isOfRoom, options: { deps: throwing(new Error("a bug")) }, answer: "500 internal" },
  {
    of: isPageOrPost,
    options: { deps: throwing(new BackplaneUnavailable()) },
    answer: "503 unavailable",
  },
  { of: isJoin, options: { env: { MAX_MEMBERS_PER_ROOM: "1" } }, answer: "503 room_full" },
  { of: isConnection, options: { env: { MAX_CONNECTIONS: "1" } }, answer: "503 overloaded" },
  {
    of: isConnection,
    options: { env: { MAX_CONNECTIONS_PER_USER: "1" } },
    answer: "429 too_many_connections",
  },
  {
    of: (name) => name.endsWith("/messages") && name.startsWith("POST"),
    how: { body: { ...MESSAGE, data: "x".repeat(70_000) } },
    answer: "413 too_large",
  },
];

for (const { of, options, how, answer } of REFUSALS) {
  Deno.test(`a refusal is as the document describes it: ${answer} (${options ? Object.keys(options) : "asked"})`, async () => {
    await using running = await startServer(options);
    // For the refusals that are about being one too many.
    const first = options?.env ? await RoomClient.join(running, "r") : undefined;
    for (const one of await pick(running, of)) {
      assertEquals(await askDescribed(running, one, how), answer, `${one.method} ${one.path}`);
    }
    await first?.[Symbol.asyncDispose]();
  });
}

Deno.test("a service that is not ready says so as the document describes it", async () => {
  const dependencies = [{ name: "auth", check: () => Promise.reject(new Error("gone")) }];
  await using running = await startServer({ deps: { dependencies } });
  for (const one of await pick(running, (name) => name === "GET /health/ready")) {
    assertEquals(await askDescribed(running, one), "503 undefined");
  }
});

Deno.test("a request too many is refused as the document describes it", async () => {
  await using running = await startServer({
    env: { ...KEY, USER_REQUESTS_PER_SECOND: "1", REFUSED_REQUESTS_PER_SECOND: "1" },
  });
  const unknownKey = { headers: { apikey: "sb_secret_unknown" } };
  // Of these, only refusals without a user count.
  const isUncounted = (name: string) => /\/(echo|socket|events|whoami|\{id\})$/.test(name);
  const limited: readonly (readonly [Refusal["of"], Ask | undefined])[] = [
    [(name, one) => isForUser(name, one) && !isUncounted(name), undefined],
    [(name) => isOperators(name) || name === "GET /whoami", unknownKey],
  ];
  for (const [of, how] of limited) {
    const operations = await pick(running, of);
    const seen = new Set<string>();
    // The buckets fill again meanwhile, so a request may pass in one round and not in the next.
    for (let round = 0; round < 50 && seen.size < operations.length; round++) {
      for (const one of operations) {
        const answer = await askDescribed(running, one, how);
        if (answer === "429 rate_limited") seen.add(`${one.method} ${one.path}`);
      }
    }
    assertEquals([...seen].sort(), operations.map(({ method, path }) => `${method} ${path}`).sort());
  }
});
