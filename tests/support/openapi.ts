import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { OpenApiDocument, Operation } from "../../packages/server/src/http/openapi/specification.ts";
import type { RunningServer } from "./running_server.ts";

/** A schema of the document. */
export type Schema = Readonly<Record<string, unknown>>;

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

/**
 * Errors of a JSON Schema 2020-12 validator (ajv) about a value. With `closed`, fields that the
 * schema does not describe are errors too. Throws on a keyword that ajv does not know.
 */
export function misfits(
  document: OpenApiDocument,
  schema: Schema,
  value: unknown,
  { closed = false }: { readonly closed?: boolean } = {},
): string[] {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, validateFormats: false });
  // Words of OpenAPI that say nothing about a value.
  ajv.addVocabulary(["components", "discriminator"]);
  const { schemas } = document.components;
  const root: Schema = { ...schema, components: { schemas } };
  const validate = ajv.compile(closed ? closedCopy(root) : root);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** A copy of a schema in which objects have no other fields than those that are described. */
function closedCopy(root: Schema): Schema {
  const text = JSON.stringify(root);
  // A part of an `allOf` leaves fields to the other parts; the whole is closed instead.
  const parts = new Set(
    [...text.matchAll(/"allOf":\[\{"\$ref":"([^"]+)"/g)].map(([, reference = ""]) => reference),
  );
  function close(value: unknown, path: string, isPart: boolean): unknown {
    if (Array.isArray(value)) {
      return value.map((one, at) => close(one, `${path}/${at}`, path.endsWith("/allOf")));
    }
    if (typeof value !== "object" || value === null) return value;
    const copy = Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, close(inner, `${path}/${name}`, false)]),
    );
    const isObject = "properties" in copy || "allOf" in copy;
    if (
      isObject && !isPart && !parts.has(path) && !("additionalProperties" in copy) &&
      !path.endsWith("/properties")
    ) {
      return { ...copy, unevaluatedProperties: false };
    }
    return copy;
  }
  return close(root, "#", false) as Schema;
}

/** Asserts that the operation describes a response with all its fields, and reads the response. */
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
