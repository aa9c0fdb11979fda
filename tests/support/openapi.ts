import { assert, assertEquals } from "@std/assert";
import type { OpenApiDocument, Operation } from "../../packages/server/src/http/openapi/specification.ts";
import { complaintsOf, type Schema } from "./json_schema.ts";
import type { RunningServer } from "./running_server.ts";

/** One operation of a document, by its method and address. */
export interface Described {
  /** In capitals. */
  readonly method: string;
  /** Such as `/rooms/{id}`. */
  readonly path: string;
  readonly operation: Operation;
}

/** The document as the service tells it. */
export async function fetchDocument(running: RunningServer): Promise<OpenApiDocument> {
  const response = await fetch(`${running.origin}/realtime/openapi.json`);
  assertEquals(response.status, 200);
  return await response.json();
}

/** Every operation of the document. */
export function operationsOf({ paths }: OpenApiDocument): Described[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation }))
  );
}

/** The operation of this method and address. */
export function operationAt(document: OpenApiDocument, method: string, path: string): Operation {
  const found = operationsOf(document).find((one) => one.method === method && one.path === path);
  assert(found, `${method} ${path} is not described`);
  return found.operation;
}

/** Looks a reference up, in one document. */
export function resolverOf(document: OpenApiDocument): (reference: string) => Schema {
  return (reference) => {
    const [root, ...steps] = reference.split("/");
    assertEquals(root, "#", reference);
    let at: unknown = document;
    for (const step of steps) {
      assert(typeof at === "object" && at !== null && Object.hasOwn(at, step), `${reference} leads nowhere`);
      at = Object.entries(at).find(([name]) => name === step)?.[1];
    }
    assert(typeof at === "object" && at !== null && !Array.isArray(at), reference);
    return { ...at };
  };
}

/** What the schema does not allow in the value, and with `closed` what it does not describe. */
export function misfits(
  document: OpenApiDocument,
  schema: Schema,
  value: unknown,
  options: { readonly closed?: boolean } = {},
): string[] {
  return complaintsOf(schema, value, { ...options, resolve: resolverOf(document) });
}

/** Asserts that an answer is one of those that its operation describes, to the last field, and reads it. */
export async function assertDescribed(
  document: OpenApiDocument,
  { method, path, operation }: Described,
  response: Response,
): Promise<void> {
  const said = `${method} ${path}: ${response.status}`;
  const text = await response.text();
  const answer = operation.responses[response.status];
  assert(answer, `${said} is not described: ${text}`);
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  const content = answer.content?.[type];
  assert(content, `${said} ${type} is not described`);
  const body: unknown = type.endsWith("json") ? JSON.parse(text) : text;
  assertEquals(misfits(document, content.schema, body, { closed: true }), [], `${said} ${text}`);
  for (const name of Object.keys(answer.headers ?? {})) {
    // Of several codes of one status only some may succeed later.
    if (name !== "Retry-After") assert(response.headers.has(name), `${said} has no ${name}`);
  }
  for (const name of ["retry-after", "www-authenticate"]) {
    const isDescribed = Object.keys(answer.headers ?? {}).some((header) => header.toLowerCase() === name);
    assert(isDescribed || !response.headers.has(name), `${said} has a ${name} that is not described`);
  }
}
