import type { JSONSchema } from "zod/v4/core";

/** A schema of OpenAPI 3.1: JSON Schema 2020-12. */
export type JsonSchema = JSONSchema.BaseSchema;

/** A reference to one of the document's components. */
export interface Reference {
  readonly $ref: string;
}

/** A parameter of an operation, by its place in the request. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description: string;
  readonly schema: JsonSchema;
}

/** A body by its media type. */
export type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

/** A response header. */
export interface Header {
  readonly description: string;
  readonly schema: JsonSchema;
}

/** One response of an operation. */
export interface Answer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Header | Reference>>;
  readonly content?: Content;
}

/** Operation of one method at one address. */
export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  /** Alternatives: names of security schemes. An empty list is public. */
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  /** By status. */
  readonly responses: Readonly<Record<string, Answer>>;
}

/** An OpenAPI 3.1 document, with the fields that the engine uses. */
export interface OpenApiDocument {
  readonly openapi: "3.1.0";
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
    readonly license: { readonly name: string; readonly identifier: string };
  };
  readonly servers: readonly { readonly url: string; readonly description: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly headers: Readonly<Record<string, Header>>;
    readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}

/** A schema among the document's components. */
export function schemaNamed(name: string): JsonSchema & Reference {
  return { $ref: `#/components/schemas/${name}` };
}

/** An operation as `describe` takes it; the rest is filled in from the route. */
export type RouteDescription = Partial<Operation> & Pick<Operation, "summary">;

/** The generated parts of the document. */
export interface DocumentParts {
  readonly frame: Omit<OpenApiDocument, "servers" | "paths">;
  /** Operations of built-in routes, by method and address below the base path. */
  readonly server: Readonly<Record<string, Operation>>;
  /** Operations of an endpoint of rooms, by method and address below its own. */
  readonly rooms: Readonly<Record<string, Operation>>;
}
