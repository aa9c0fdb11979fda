import type { RunningService } from "../running_service.ts";
import type { FaultProxy } from "./fault_proxy.ts";

/** A running service as clients reach it through a proxy: for `roomUrl`, `RoomClient` and whatever else takes its port. */
export function behind(proxy: FaultProxy, running: RunningService): RunningService {
  return { ...running, port: proxy.port, origin: proxy.origin };
}
