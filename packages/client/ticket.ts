import { readProblem } from "./connection/diagnose.ts";
import { RoomError } from "./errors.ts";
import type { TicketServer } from "./options.ts";

/**
 * Requests a one-use ticket from the server before each connect: the option `ticket` of a room or a
 * connection. Neither the address nor a subprotocol then has the token (docs/protocol.md, rule 2.12).
 * @throws {RoomError} the server's code; `unreachable` if nothing answers
 */
export async function requestTicket(token: string, { addresses, fetch }: TicketServer): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const url = new URL("tickets", addresses.whoami);
  let problem: RoomError;
  try {
    const response = await fetch(url.href, { method: "POST", headers });
    if (response.ok) return (await response.json()).ticket;
    problem = await readProblem(response);
  } catch (cause) {
    problem = new RoomError("unreachable", "The server cannot be reached.", { cause });
  }
  throw problem;
}
