/**
 * The wire contract as plain types and tables, without dependencies: frames, close codes, error
 * codes, limits. Server and client import it; docs/protocol.md says what each part means.
 * @module
 */
export * from "./close_codes.ts";
export * from "./error_codes.ts";
export * from "./frames.ts";
export * from "./limits.ts";
export * from "./subprotocols.ts";
