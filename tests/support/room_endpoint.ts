import { createApp } from "../../supabase/functions/realtime/app.ts";
import {
  createRoomEndpoint,
  type Events,
  type RoomEndpointOptions,
} from "../../supabase/functions/realtime/room_endpoint.ts";
import { type RunningService, type StartOptions, startService } from "./running_service.ts";

/** Serves the app with one more endpoint of rooms, `/x/:id`. */
export function startRoomEndpoint<E extends Events>(
  endpoint: RoomEndpointOptions<E>,
  options: Omit<StartOptions, "app"> = {},
): Promise<RunningService> {
  return startService({
    ...options,
    app: ({ services }) => createApp(services).route("/x", createRoomEndpoint(endpoint)),
  });
}
