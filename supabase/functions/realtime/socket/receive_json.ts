import { type $ZodType, type output, safeParse } from "zod/v4/core";
import { CLOSE } from "../protocol/close_codes.ts";
import type { Socket, SocketHandlers } from "./socket.ts";

/**
 * Creates an `onMessage` that takes JSON of one shape, given as a schema of zod or zod/mini. A message that is not JSON, or
 * not of the shape, is answered with an `invalid_frame` error that names the field, and the handler does not see it; binary
 * closes the socket with 1003.
 */
export function receiveJson<S extends $ZodType>(
  schema: S,
  onMessage: (socket: Socket, message: output<S>) => void | Promise<void>,
): NonNullable<SocketHandlers["onMessage"]> {
  return function onJson(socket, data) {
    if (typeof data !== "string") {
      return socket.close(CLOSE.unsupportedData, "this endpoint speaks JSON text");
    }
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      socket.sendError("invalid_frame", { message: "The message is not JSON." });
      return;
    }
    const parsed = safeParse(schema, value);
    if (parsed.success) return onMessage(socket, parsed.data);
    const [issue] = parsed.error.issues;
    const field = issue?.path.join(".");
    socket.sendError("invalid_frame", {
      ...(issue ? { message: issue.message } : {}),
      field: field || undefined,
    });
  };
}
