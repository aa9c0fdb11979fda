import type { OpenApiDocument, Operation } from "../../packages/server/src/http/openapi/specification.ts";

/** Security schemes, by their names among the components. */
export const SECURITY_SCHEMES: OpenApiDocument["components"]["securitySchemes"] = {
  userToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "A user's access token. Operations that accept a secret key accept it here too.",
  },
  userTokenInQuery: {
    type: "apiKey",
    in: "query",
    name: "token",
    description: "The same token, for browsers: WebSocket and EventSource cannot send headers.",
  },
  ticketInQuery: {
    type: "apiKey",
    in: "query",
    name: "ticket",
    description: "A ticket of `POST /tickets`, for one connect.",
  },
  secretKey: {
    type: "apiKey",
    in: "header",
    name: "apikey",
    description: "A secret key of the project: for servers, never for a browser.",
  },
  publishableKey: {
    type: "apiKey",
    in: "header",
    name: "apikey",
    description: "A publishable key of the project, as supabase-js sends it.",
  },
  publishableKeyInQuery: {
    type: "apiKey",
    in: "query",
    name: "apikey",
    description: "The same key, for WebSockets of browsers.",
  },
};

/** Public. */
export const ANYONE: NonNullable<Operation["security"]> = [];
/** A user's token. */
export const USER: NonNullable<Operation["security"]> = [{ userToken: [] }, { userTokenInQuery: [] }];
/** A user's token or ticket, for sockets and event streams. */
export const CONNECTING_USER: NonNullable<Operation["security"]> = [...USER, { ticketInQuery: [] }];
/** A user's token, or a secret key of the project. */
export const USER_OR_SECRET_KEY: NonNullable<Operation["security"]> = [...USER, { secretKey: [] }];
/** A secret key of the project. */
export const SECRET_KEY: NonNullable<Operation["security"]> = [{ secretKey: [] }, { userToken: [] }];
