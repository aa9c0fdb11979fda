import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import {
  type Events,
  type NoSchemas,
  roomEndpoint,
  type RoomEndpointOptions,
} from "../../packages/server/src/http/rooms/room_endpoint.ts";
import { createApp, type RunningServer, type StartOptions, startServer } from "./running_server.ts";

/** Serves the app with an additional room endpoint, `/x/:id`. */
export function startRoomEndpoint<
  E extends Events = Events,
  Inputs extends Events = NoSchemas,
  Outputs extends Events = NoSchemas,
>(
  endpoint: Omit<RoomEndpointOptions<E, Inputs, Outputs>, "authenticate">,
  options: Omit<StartOptions, "app"> = {},
): Promise<RunningServer> {
  return startServer({
    ...options,
    app: () => createApp().route("/x", roomEndpoint({ ...endpoint, authenticate })),
  });
}
