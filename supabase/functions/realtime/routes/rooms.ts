import * as z from "zod/mini";
import { createEndpoint } from "../endpoint.ts";
import { authenticate } from "../middleware/auth.ts";
import { RequestProblem } from "../middleware/problem.ts";
import { expectWebSocket, upgradeWebSocket } from "../middleware/upgrade.ts";
import { validate } from "../middleware/validate.ts";
import { CLOSE } from "../protocol/close_codes.ts";
import { RoomId } from "../protocol/room_id.ts";

/**
 * `/rooms/:id`: what a member sends as text reaches every member of that room in this isolate, as it is and the sender
 * included.
 */
export const rooms = createEndpoint().get(
  "/:id",
  authenticate,
  expectWebSocket,
  validate("param", z.object({ id: RoomId })),
  async (c) => {
    const { id: room } = c.req.valid("param");
    const { authorize, rooms } = c.var.services;
    const permissions = await authorize(c.var.user, room);
    if (!permissions.join) {
      throw new RequestProblem("forbidden", { detail: "This user may not join this room." });
    }
    return upgradeWebSocket(c, {
      onOpen: (socket) => rooms.join(room, socket),
      onMessage(socket, data) {
        if (typeof data !== "string") return socket.close(CLOSE.unsupportedData, "rooms speak text");
        if (permissions.publish) rooms.broadcast(room, data);
        else socket.sendError("forbidden", "This user may not publish in this room.");
      },
      onClose: (socket) => rooms.leave(room, socket),
    });
  },
);
