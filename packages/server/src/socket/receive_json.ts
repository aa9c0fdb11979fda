import type { $ZodType, output } from "zod/v4/core";
import { CLOSE } from "../../../protocol/close_codes.ts";
import { type Parsed, parseSchema } from "../schemas/parse_schema.ts";
import type { Socket, SocketHandlers } from "./socket.ts";

/**
 * Creates an `onMessage` for JSON messages of one shape, given as a zod or zod/mini schema.
 * Messages that are not JSON, or do not match the schema, are answered with an `invalid_frame`
 * error that names the field. The handler does not see them. A binary message closes the socket
 * with 1003.
 */
export function receiveJson<S extends $ZodType>(
  schema: S,
  onMessage: (socket: Socket, message: output<S>) => void | Promise<void>,
): NonNullable<SocketHandlers["onMessage"]> {
  function handle(socket: Socket, parsed: Parsed<output<S>>): void | Promise<void> {
    if (!parsed.issue) return onMessage(socket, parsed.value);
    const { message, path } = parsed.issue;
    socket.sendError("invalid_frame", { message, field: path.join(".") || undefined });
  }

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
    const parsed = parseSchema(schema, value);
    return parsed instanceof Promise
      ? parsed.then((result) => handle(socket, result))
      : handle(socket, parsed);
  };
}
