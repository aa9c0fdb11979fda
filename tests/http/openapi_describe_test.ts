/** Own endpoints in the OpenAPI document: described beside their route, below any base path. */
import { assert, assertEquals } from "@std/assert";
import { describe, endpoint, realtime, upgradeWebSocket } from "../../packages/server/mod.ts";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { describeRoutes } from "../../packages/server/src/http/openapi/describe_routes.ts";
import type { Operation } from "../../packages/server/src/http/openapi/specification.ts";
import { fetchDocument, operationAt, operationsOf } from "../support/openapi.ts";
import { createApp, startServer } from "../support/running_server.ts";

const SCORE = { summary: "The score of a board", responses: { 200: { description: "The score." } } };

/** The operation of `GET /own` and what is behind it, when this endpoint is mounted there. */
function operationOf(own: ReturnType<typeof endpoint>, path: string): Operation {
  const app = realtime().route("/own", own);
  return operationAt(describeRoutes(app.routes, "/realtime"), "GET", `/own${path}`);
}

Deno.test("a described endpoint has its summary and responses, and answers as before", async () => {
  const score = endpoint().get("/:board/score", describe(SCORE), (c) => c.json({ score: 3 }));
  await using running = await startServer({ app: () => createApp().route("/boards", score) });
  const operation = operationAt(await fetchDocument(running), "GET", "/boards/{board}/score");
  assertEquals([operation.summary, operation.operationId], ["The score of a board", "getBoardsBoardScore"]);
  assertEquals(operation.parameters?.map(({ name }) => name), ["board"]);
  assertEquals(operation.responses, { "200": { description: "The score." } });
  const answer = await fetch(`${running.origin}/realtime/boards/b/score`);
  assertEquals(await answer.json(), { score: 3 });
});

Deno.test("a description stands anywhere among the handlers, beside authentication and an upgrade", async () => {
  const own = endpoint()
    .get("/me", authenticate, describe({ summary: "My id" }), (c) => c.text(c.get("user").id))
    .get("/socket", describe({ summary: "A socket" }), authenticate, upgradeWebSocket(() => ({})));
  await using running = await startServer({ app: () => createApp().route("/own", own) });
  const document = await fetchDocument(running);
  assertEquals(operationAt(document, "GET", "/own/me").summary, "My id");
  assertEquals(operationAt(document, "GET", "/own/socket").summary, "A socket");
  const headers = { authorization: `Bearer ${await running.issuer.token("alice")}` };
  assertEquals(await (await fetch(`${running.origin}/realtime/own/me`, { headers })).text(), "alice");
  const plain = await fetch(`${running.origin}/realtime/own/socket`, { headers });
  assertEquals([plain.status, (await plain.json()).code], [400, "expected_websocket"]);
});

Deno.test("an endpoint with an error handler of its own keeps its description", () => {
  const own = endpoint().get("/score", describe(SCORE), (c) => c.text("3"));
  own.onError((_, c) => c.text("failed", 500));
  assertEquals(operationOf(own, "/score").summary, SCORE.summary);
  const outer = endpoint().route("/inner", own);
  outer.onError((_, c) => c.text("failed", 500));
  assertEquals(operationOf(outer, "/inner/score").summary, SCORE.summary);
});

Deno.test("a second description adds parameters and responses, and replaces other fields", () => {
  const limit = { name: "limit", in: "query", required: false, description: "at most", schema: {} } as const;
  const board = { name: "board", in: "path", required: true, description: "a board", schema: {} } as const;
  const unauthorized = { description: "No valid token." };
  const own = endpoint().get(
    "/:board/:row",
    describe({ summary: "A row", parameters: [limit], responses: { 401: unauthorized }, tags: ["a"] }),
    describe({ ...SCORE, operationId: "getRow", parameters: [board, { ...limit, required: true }] }),
    (c) => c.text("row"),
  );
  const operation = operationOf(own, "/{board}/{row}");
  assertEquals([operation.summary, operation.operationId, operation.tags], [SCORE.summary, "getRow", ["a"]]);
  assertEquals(operation.parameters?.map(({ name }) => name), ["board", "row", "limit"]);
  assertEquals(operation.parameters?.[0], board);
  assertEquals(operation.parameters?.[2]?.required, true);
  assertEquals(operation.responses, { ...SCORE.responses, 401: unauthorized });
});

Deno.test("one description may serve several routes; a route without one has its address only", () => {
  const shared = describe(SCORE);
  const own = endpoint().get("/a", shared, (c) => c.text("a")).get("/b", shared, (c) => c.text("b"))
    .get("/c", (c) => c.text("c"));
  const operations = ["/a", "/b", "/c"].map((path) => operationOf(own, path));
  assertEquals(operations.map(({ summary }) => summary), [SCORE.summary, SCORE.summary, "GET /own/c"]);
  assertEquals(new Set(operations.map(({ operationId }) => operationId)).size, 3);
  assertEquals(Object.keys(operations[2]?.responses ?? {}), ["default"]);
});

Deno.test("a description replaces what the engine knows of the address", () => {
  const app = realtime().route("/echo", endpoint().get("/", describe(SCORE), (c) => c.text("3")));
  const operation = operationAt(describeRoutes(app.routes, "/realtime"), "GET", "/echo");
  assertEquals([operation.summary, operation.responses], [SCORE.summary, SCORE.responses]);
});

Deno.test("parameters with constraints, hyphens and a question mark are path parameters", () => {
  const own = endpoint().get("/:id{[0-9]{1,3}}/x-:no/:post-id/:last?", (c) => c.text("x"));
  const operation = operationOf(own, "/{id}/x-:no/{post-id}/{last}");
  assertEquals(operation.parameters?.map(({ name }) => name), ["id", "post-id", "last"]);
});

for (
  const [basePath, location, url] of [
    ["/realtime", "/realtime", "/realtime"],
    ["/realtime/", "/realtime", "/realtime"],
    ["/api/live", "/api/live", "/api/live"],
    ["/", "", "/"],
  ] as const
) {
  Deno.test(`below ${basePath} the document has every address, and the server it is from`, () => {
    const app = realtime({ basePath }).route("/own", endpoint().get("/:id", (c) => c.text("x")));
    const document = describeRoutes(app.routes, basePath);
    const paths = operationsOf(document).map(({ path }) => path);
    assertEquals(paths, [
      "/",
      "/health",
      "/health/ready",
      "/metrics",
      "/rooms",
      "/disconnect",
      "/whoami",
      "/socket",
      "/tickets",
      "/openapi.json",
      "/own/{id}",
    ]);
    assertEquals(document.paths["/health"]?.["get"]?.operationId, "getHealth");
    const [server] = document.servers;
    assert(server);
    // Below the address that a platform puts in front of the function, too.
    for (const outside of ["", "/functions/v1"]) {
      const at = new URL(server.url, `https://host.example${outside}${location}/openapi.json`);
      assertEquals(at.pathname, `${outside}${url}`);
    }
  });
}
