/** `GET /realtime/openapi.json`: a document of what the service does, and only that. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { endpoint } from "../../packages/server/src/http/endpoint.ts";
import { ERRORS } from "../../packages/protocol/error_codes.ts";
import { roomEndpoint } from "../../packages/server/src/http/rooms/room_endpoint.ts";
import { OPENAPI_MODULE, renderModule } from "../../tools/openapi/render_module.ts";
import { fetchDocument, misfits, operationsOf, resolverOf } from "../support/openapi.ts";
import { createApp, type RunningServer, startServer } from "../support/running_server.ts";

const ENGINE = new URL("../../packages/server/", import.meta.url);

/** Every object in a value, itself too. */
function objectsIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap(objectsIn);
  return Array.isArray(value) ? inside : [{ ...value }, ...inside];
}

/** Method and address of every route that the server lists, in the notation of OpenAPI. */
async function listRoutes(running: RunningServer): Promise<string[]> {
  const response = await fetch(`${running.origin}/realtime`);
  const { routes }: { routes: { method: string; path: string }[] } = await response.json();
  return routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}")}`)
    .sort();
}

/** The same of the document, from its own address on, as a client would find them. */
async function listOperations(running: RunningServer): Promise<string[]> {
  const document = await fetchDocument(running);
  const [server, ...others] = document.servers;
  assertEquals(others, []);
  assert(server);
  const base = new URL(server.url, `${running.origin}/realtime/openapi.json`);
  assertEquals(base.search + base.hash, "");
  return operationsOf(document).map(({ method, path }) =>
    `${method} ${decodeURI(base.pathname)}${path === "/" ? "" : path}`
  ).sort();
}

Deno.test("the document has every route of the service, and nothing else", async () => {
  await using running = await startServer();
  const operations = await listOperations(running);
  assertEquals(operations, await listRoutes(running));
  assert(operations.includes("POST /realtime/rooms/{id}/messages"));
});

Deno.test("the document has the endpoints that a project adds", async () => {
  await using running = await startServer({
    app: () =>
      createApp()
        .route("/tables", roomEndpoint({ authenticate, name: "tables" }))
        .route(
          "/shelves",
          endpoint().put("/:shelf/books/:book{[0-9]+}", (c) => c.body(null, 204)).get(
            "/:shelf",
            (c) => c.body(null, 204),
          ),
        ),
  });
  assertEquals(await listOperations(running), await listRoutes(running));
  const document = await fetchDocument(running);
  const tables = document.paths["/tables/{id}/messages"]?.["post"];
  assertEquals(tables?.requestBody, document.paths["/rooms/{id}/messages"]?.["post"]?.requestBody);
  const books = document.paths["/shelves/{shelf}/books/{book}"]?.["put"];
  assertEquals(books?.parameters?.map(({ name }) => name), ["shelf", "book"]);
  const ids = operationsOf(document).map(({ operation }) => operation.operationId);
  assertEquals(ids.length, new Set(ids).size);
});

Deno.test("the document is OpenAPI 3.1: its frame, and every operation", async () => {
  await using running = await startServer();
  const document = await fetchDocument(running);
  assertEquals(Object.keys(document).sort(), ["components", "info", "openapi", "paths", "servers", "tags"]);
  assertEquals(document.openapi, "3.1.0");
  assert(document.info.title && document.info.version && document.info.description);
  const tags = document.tags.map(({ name }) => name);
  const ids = new Set<string>();
  for (const { method, path, operation } of operationsOf(document)) {
    const said = `${method} ${path}`;
    assert(path.startsWith("/"), said);
    assert(/^[a-z]+[A-Za-z]*$/.test(operation.operationId) && !ids.has(operation.operationId), said);
    ids.add(operation.operationId);
    assert(operation.summary.length > 5 && operation.tags.every((tag) => tags.includes(tag)), said);
    assert(Object.keys(operation.responses).some((status) => /^(1|2)\d\d$/.test(status)), said);
    for (const [status, answer] of Object.entries(operation.responses)) {
      assert(/^[1-5]\d\d$/.test(status), `${said} ${status}`);
      assert(answer.description.length > 4, `${said} ${status}`);
      assertEquals(answer.content === undefined, ["101", "304"].includes(status), `${said} ${status}`);
      for (const [type, { schema }] of Object.entries(answer.content ?? {})) {
        assert(/^\w+\/[\w+-]+$/.test(type) && Object.keys(schema).length > 0, `${said} ${status} ${type}`);
      }
    }
    const parameters = operation.parameters ?? [];
    const names = parameters.map((parameter) => `${parameter.in} ${parameter.name.toLowerCase()}`);
    assertEquals(names.length, new Set(names).size, said);
    const inPath = parameters.filter((parameter) => parameter.in === "path");
    assertEquals(inPath.map(({ name }) => `{${name}}`), path.match(/\{\w+\}/g) ?? [], said);
    assert(inPath.every(({ required }) => required), said);
    assert(parameters.every(({ description }) => description.length > 10), said);
    // Three names that OpenAPI says are not parameters.
    assert(parameters.every(({ name }) => !/^(accept|content-type|authorization)$/i.test(name)), said);
    assert(operation.security, `${said}: anyone is let in where nothing is said`);
    for (const scheme of operation.security.flatMap((way) => Object.keys(way))) {
      assert(scheme in document.components.securitySchemes, `${said} ${scheme}`);
    }
    assertEquals(operation.requestBody !== undefined, method === "POST", said);
  }
});

Deno.test("every reference of the document leads somewhere, and every schema is one that can be checked", async () => {
  await using running = await startServer();
  const document = await fetchDocument(running);
  const references = new Set(
    objectsIn(document).flatMap(({ $ref }) => typeof $ref === "string" ? [$ref] : []),
  );
  for (const reference of references) resolverOf(document)(reference);
  const { schemas, headers } = document.components;
  const components = [
    ...Object.keys(schemas).map((name) => `#/components/schemas/${name}`),
    ...Object.keys(headers).map((name) => `#/components/headers/${name}`),
  ];
  // Descriptions speak of it: OpenAPI has no place for what is inside of a stream or a socket.
  const unused = components.filter((name) => !references.has(name));
  assertEquals(unused, ["#/components/schemas/ServerFrame"]);
  // A keyword that the check does not know throws.
  const inUse = objectsIn(document.paths).flatMap(({ schema }) => objectsIn(schema).slice(0, 1));
  for (const schema of [...inUse, ...Object.values(schemas)]) {
    for (const value of [null, 1, "text", [], {}]) misfits(document, schema, value);
  }
});

Deno.test("the texts of the fields are those of docs/protocol.md", async () => {
  await using running = await startServer();
  const { components: { schemas } } = await fetchDocument(running);
  const text = await Deno.readTextFile(new URL("../../docs/protocol.md", import.meta.url));
  const words = text.replaceAll(/\s+/g, " ");
  const frames = Object.entries(schemas).filter(([name]) => /^(.+Frame|PublishBody)$/.test(name));
  assertEquals(frames.length, 14);
  for (const [name, { properties = {} }] of frames) {
    for (const [field, schema] of Object.entries(properties)) {
      if (field === "type" || (typeof schema === "object" && schema.$ref !== undefined)) continue;
      const description = typeof schema === "object" ? schema.description : undefined;
      // A field of requests over HTTP only is described in a rule.
      const sought = field === "connection" && name === "PublishBody" ? description : `| ${description} |`;
      assert(sought && words.includes(sought), `${name}.${field}: ${description}`);
    }
  }
});

Deno.test("the document knows every error code that HTTP can answer with", async () => {
  await using running = await startServer();
  const { paths, components } = await fetchDocument(running);
  const told = new Set(
    objectsIn(paths).flatMap(({ code }) => objectsIn(code).flatMap((one) => one["enum"] ?? [])),
  );
  const missing = Object.keys(ERRORS).filter((code) => !told.has(code));
  // The first two are of addresses and methods that are in no document, the others of frames.
  assertEquals(missing, [
    "not_found",
    "method_not_allowed",
    "not_joined",
    "too_many_rooms",
    "invalid_frame",
  ]);
  const { code } = components.schemas["Problem"]?.properties ?? {};
  assert(typeof code === "object");
  assertEquals(code.enum, Object.keys(ERRORS));
});

Deno.test("anyone may read the document, keep it for a while, and page scripts too", async () => {
  await using running = await startServer();
  const headers = { origin: "https://editor.example" };
  const answers = await Promise.all([1, 2].map(async () => {
    const response = await fetch(`${running.origin}/realtime/openapi.json`, { headers });
    assertEquals(response.headers.get("content-type"), "application/json");
    assertEquals(response.headers.get("cache-control"), "public, max-age=300");
    assertEquals(response.headers.get("access-control-allow-origin"), "*");
    return await response.text();
  }));
  assertEquals(answers[0], answers[1]);
  assertEquals(answers[0]?.includes(running.origin), false);
});

/** Files of the engine that a file reaches by static imports and, if asked, by dynamic ones. */
async function reached(
  path: string,
  kinds: { dynamic: boolean },
  found = new Set<string>(),
): Promise<Set<string>> {
  if (found.has(path)) return found;
  found.add(path);
  const text = await Deno.readTextFile(new URL(path, ENGINE));
  const statics = text.matchAll(/^(?:import|export) (?!type )[^;]*?"(\.[^"]+)";/gm);
  const dynamics = kinds.dynamic ? text.matchAll(/\bimport\("(\.[^"]+)"\)/g) : [];
  for (const [, specifier = ""] of [...statics, ...dynamics]) {
    const target = new URL(specifier, new URL(path, ENGINE)).href;
    if (target.startsWith(ENGINE.href)) await reached(target.slice(ENGINE.href.length), kinds, found);
  }
  return found;
}

Deno.test("no boot pays for the document: it and the schemas of the server's frames are loaded when it is asked for", async () => {
  const heavy = (paths: Set<string>) =>
    [...paths].filter((path) =>
      (path.startsWith("src/http/openapi/") && !path.endsWith("/describe.ts")) ||
      path === "src/schemas/server_frames.ts"
    );
  const atBoot = await reached("mod.ts", { dynamic: false });
  assert(atBoot.has("src/http/routes/openapi.ts"));
  assertEquals(heavy(atBoot), []);
  assertNotEquals(heavy(await reached("mod.ts", { dynamic: true })), []);
});

Deno.test("the served parts are those that the generator makes (else run `deno task openapi`)", async () => {
  assertEquals(await Deno.readTextFile(OPENAPI_MODULE), renderModule());
});

Deno.test("the tests' check finds a field that the document does not describe, at any depth", async () => {
  await using running = await startServer();
  const document = await fetchDocument(running);
  const ready = { status: "ready", dependencies: [{ name: "x", state: "ok", latency_ms: 1 }] };
  const schema = { $ref: "#/components/schemas/Readiness" };
  assertEquals(misfits(document, schema, ready, { closed: true }), []);
  const more = { ...ready, dependencies: [{ ...ready.dependencies[0], more: 1 }] };
  assertEquals(misfits(document, schema, more), []);
  assertNotEquals(misfits(document, schema, more, { closed: true }), []);
  assertNotEquals(misfits(document, schema, { ...ready, more: 1 }, { closed: true }), []);
});
