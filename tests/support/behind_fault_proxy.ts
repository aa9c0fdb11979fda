import type { RunningServer } from "./running_server.ts";
import type { FaultProxy } from "../../tools/support/fault_proxy/fault_proxy.ts";

/** A running service as clients reach it through a proxy: for `roomUrl`, `RoomClient` and whatever else takes its port. */
export function behind(proxy: FaultProxy, running: RunningServer): RunningServer {
  return { ...running, port: proxy.port, origin: proxy.origin };
}
