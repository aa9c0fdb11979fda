/** Metadata that the CLI sends with the uploaded files. */
export interface UploadMetadata {
  readonly name: string | undefined;
  readonly entrypointPath: string;
  /** Path of the function's import map or `deno.json`; undefined when it has none. */
  readonly importMapPath: string | undefined;
  /**
   * Undefined if neither the command line nor config.toml set it: the platform then checks tokens.
   */
  readonly verifyJwt: boolean | undefined;
}

/**
 * Reads the `metadata` field of the upload.
 * @throws {TypeError} when it does not match the management API's description
 */
export function parseMetadata(field: unknown): UploadMetadata {
  if (typeof field !== "string") throw new TypeError("The upload has no metadata.");
  const json: unknown = JSON.parse(field);
  if (typeof json !== "object" || json === null) {
    throw new TypeError("The upload's metadata is not an object.");
  }
  const fields = new Map<string, unknown>(Object.entries(json));
  const entrypointPath = optionalString(fields, "entrypoint_path");
  if (!entrypointPath) throw new TypeError("The upload's metadata names no entrypoint.");
  const verifyJwt = fields.get("verify_jwt");
  if (verifyJwt !== undefined && typeof verifyJwt !== "boolean") {
    throw new TypeError("verify_jwt is not a boolean.");
  }
  return {
    name: optionalString(fields, "name"),
    entrypointPath,
    importMapPath: optionalString(fields, "import_map_path") || undefined,
    verifyJwt,
  };
}

function optionalString(fields: ReadonlyMap<string, unknown>, name: string): string | undefined {
  const value = fields.get(name);
  if (value === undefined || typeof value === "string") return value;
  throw new TypeError(`${name} is not a string.`);
}
