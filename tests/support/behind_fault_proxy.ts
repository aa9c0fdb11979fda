import type { RunningServer } from "./running_server.ts";
import type { FaultProxy } from "./fault_proxy/fault_proxy.ts";

/** Copies a running server with the proxy's address, for `roomUrl`, `RoomClient` and others. */
export function behind(proxy: FaultProxy, running: RunningServer): RunningServer {
  return { ...running, port: proxy.port, origin: proxy.origin };
}
