import type { OpenApiDocument, Operation } from "../../packages/server/src/http/openapi/specification.ts";

/** The ways to be let in, by their names among the components. */
export const SECURITY_SCHEMES: OpenApiDocument["components"]["securitySchemes"] = {
  userToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "A user's access token. Where a secret key is taken, it may stand here too.",
  },
  userTokenInQuery: {
    type: "apiKey",
    in: "query",
    name: "token",
    description: "The same token, for browsers: neither WebSocket nor EventSource can send a header.",
  },
  secretKey: {
    type: "apiKey",
    in: "header",
    name: "apikey",
    description: "A secret key of the project: for servers, never for a browser.",
  },
};

/** For anyone. */
export const ANYONE: NonNullable<Operation["security"]> = [];
/** For a user. */
export const USER: NonNullable<Operation["security"]> = [{ userToken: [] }, { userTokenInQuery: [] }];
/** For a user or the project's own servers. */
export const USER_OR_SECRET_KEY: NonNullable<Operation["security"]> = [...USER, { secretKey: [] }];
/** For the project's own servers. */
export const SECRET_KEY: NonNullable<Operation["security"]> = [{ secretKey: [] }, { userToken: [] }];
