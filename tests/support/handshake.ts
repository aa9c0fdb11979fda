import { HANDSHAKE, rawGet, type RawResponse } from "../../tools/support/wire/raw_request.ts";
import type { RunningServer } from "./running_server.ts";

/** Sends a handshake with a valid token and these header lines; returns the response. */
export async function connect(
  running: RunningServer,
  path: string,
  headerLines: readonly string[] = HANDSHAKE,
): Promise<RawResponse> {
  const token = await running.issuer.token("alice");
  return await rawGet(running.port, `/realtime${path}`, [`Authorization: Bearer ${token}`, ...headerLines]);
}
