import { RoomError } from "../errors.ts";
import type { TokenSource } from "../options.ts";

/**
 * Calls the application's token callback.
 * @throws {RoomError} `token_failed` with the cause, `signed_out` if there is no token
 */
export async function askForToken(source: TokenSource, refresh: boolean): Promise<string> {
  let token;
  try {
    token = await source({ refresh });
  } catch (cause) {
    throw new RoomError("token_failed", "The token callback failed.", { cause });
  }
  if (!token) throw new RoomError("signed_out", "There is no token.");
  return token;
}
