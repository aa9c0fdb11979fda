import { HANDSHAKE, rawGet, type RawResponse } from "../../tools/support/wire/raw_request.ts";
import type { RunningServer } from "./running_server.ts";

/** A handshake on the address with a good token, and whatever header lines come with it. */
export async function connect(
  running: RunningServer,
  path: string,
  headerLines: readonly string[] = HANDSHAKE,
): Promise<RawResponse> {
  const token = await running.issuer.token("alice");
  return await rawGet(running.port, `/realtime${path}`, [`Authorization: Bearer ${token}`, ...headerLines]);
}
