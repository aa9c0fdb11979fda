/** The server accepts the requests that its OpenAPI document allows, and refuses others. */
import { assert, assertEquals } from "@std/assert";
import { fetchDocument, misfits, operationAt } from "../support/openapi.ts";
import { type Ask, ask, MESSAGE } from "../support/openapi_requests.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

/** True if the server accepts a request; fails on anything but 2xx and `invalid_request`. */
async function isTaken(running: RunningServer, method: string, path: string, how: Ask): Promise<boolean> {
  const operation = operationAt(await fetchDocument(running), method, path);
  const response = await ask(running, { method, path, operation }, how);
  if (response.ok) {
    await response.body?.cancel();
    return true;
  }
  const { code }: { code: string } = await response.json();
  assertEquals(code, "invalid_request", JSON.stringify(how));
  return false;
}

/** Parses the text of a parameter for its schema. */
const meaning = (text: string, type: unknown) =>
  type === "integer" && /^-?\d+$/.test(text) ? Number(text) : text;

/** Texts to try, by parameter. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  after: ["0", "1", "007", "-1", "1.5", "x", "", "9007199254740991", "9007199254740992", "1e3"],
  before: ["0", "1", "-1", "0x10", "9007199254740991", "99999999999999999"],
  limit: ["0", "1", "100", "500", "501", "1.5", "x", ""],
  history: ["0", "1", "500", "501", "-1", "x"],
  epoch: ["e", "0", ""],
  connection: ["c", ""],
  lastEventId: ["e:1", "x", ""],
  events: ["named", "typed", ""],
};
const GOES_WITH: Readonly<Record<string, string>> = {
  "events after": "&epoch=e",
  "events epoch": "&after=0",
  "events connection": "&after=1&epoch=e",
};

for (const path of ["/rooms/{id}/messages", "/rooms/{id}/events"]) {
  Deno.test(`GET ${path} takes the queries that the document allows, and no other`, async () => {
    await using running = await startServer();
    const document = await fetchDocument(running);
    const { parameters = [] } = operationAt(document, "GET", path);
    const inQuery = parameters.filter((parameter) => parameter.in === "query");
    assert(inQuery.length > 2 && inQuery.every(({ required }) => !required));
    for (const { name, schema } of inQuery) {
      for (const text of TEXTS[name] ?? []) {
        const allowed = misfits(document, schema, meaning(text, schema.type)).length === 0;
        const also = GOES_WITH[`${path.split("/").at(-1)} ${name}`] ?? "";
        const query = `${name}=${text}${also}`;
        assertEquals([query, await isTaken(running, "GET", path, { query })], [query, allowed]);
      }
    }
    assert(inQuery.every(({ name }) => (TEXTS[name] ?? []).length > 0));
  });
}

Deno.test("a page has as many messages as the document says, when nothing is asked", async () => {
  await using running = await startServer();
  const path = "/rooms/{id}/messages";
  const operation = operationAt(await fetchDocument(running), "GET", path);
  const count = Number(operation.parameters?.find(({ name }) => name === "limit")?.schema.default);
  assert(count > 0);
  for (let at = 0; at <= count; at++) {
    const stored = await ask(running, { method: "POST", path, operation }, {
      body: { ...MESSAGE, id: `${at}` },
    });
    await stored.body?.cancel();
  }
  const response = await ask(running, { method: "GET", path, operation });
  const page: { messages: unknown[]; more: boolean } = await response.json();
  assertEquals([page.messages.length, page.more], [count, true]);
});

Deno.test("a room has the ids that the document allows, and no other", async () => {
  await using running = await startServer();
  const document = await fetchDocument(running);
  const ids = ["r", "r".repeat(128), "r".repeat(129), "A.b_c~d:e-1", "a b", "ü", "a%2Fb", "r\n", "{id}"];
  for (const room of ids) {
    const allowed = misfits(document, { $ref: "#/components/schemas/RoomId" }, room).length === 0;
    const how = { room: encodeURIComponent(room) };
    assertEquals([room, await isTaken(running, "GET", "/rooms/{id}/presence", how)], [room, allowed]);
  }
});

Deno.test("a body is taken when the document allows it, else not", async () => {
  await using running = await startServer();
  const document = await fetchDocument(running);
  const { data: _, ...withoutData } = MESSAGE;
  const bodies: readonly (readonly [allowed: boolean, body: unknown])[] = [
    [true, MESSAGE],
    [true, { ...MESSAGE, data: null, more: "is ignored" }],
    [true, { ...MESSAGE, id: "i".repeat(64), event: "ü".repeat(64), ephemeral: false }],
    [true, { ...MESSAGE, ephemeral: true, to: { connection: "c" } }],
    [true, { ...MESSAGE, ephemeral: true, to: { user: "a", more: "is ignored" } }],
    [true, { ...MESSAGE, ephemeral: true, key: "k".repeat(64), ack: "is ignored" }],
    [false, { ...MESSAGE, ephemeral: true, key: "" }],
    [false, { ...MESSAGE, ephemeral: true, key: "k".repeat(65) }],
    [false, { ...MESSAGE, key: "k" }],
    [false, { ...MESSAGE, ephemeral: false, key: "k" }],
    [false, withoutData],
    [false, { ...MESSAGE, id: "" }],
    [false, { ...MESSAGE, id: "i".repeat(65) }],
    [false, { ...MESSAGE, event: 1 }],
    [false, { ...MESSAGE, ephemeral: "yes" }],
    [false, { ...MESSAGE, ephemeral: true, to: {} }],
    [false, { ...MESSAGE, ephemeral: true, to: { user: "" } }],
    [false, { ...MESSAGE, ephemeral: true, to: { user: "a", connection: "c" } }],
    [false, { ...MESSAGE, to: { user: "a" } }],
    [false, { ...MESSAGE, ephemeral: false, to: { user: "a" } }],
    [false, "text"],
    [false, null],
  ];
  for (const [allowed, body] of bodies) {
    const isAllowed = misfits(document, { $ref: "#/components/schemas/PublishBody" }, body).length === 0;
    const isAccepted = await isTaken(running, "POST", "/rooms/{id}/messages", { body });
    assertEquals([body, isAllowed, isAccepted], [body, allowed, allowed]);
  }
});
