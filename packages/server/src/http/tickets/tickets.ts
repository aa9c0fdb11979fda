import { createTicket, isTicket, open, type RandomBytes, seal, storeKeyOf } from "../../auth/ticket.ts";
import type { User } from "../../auth/user.ts";
import type { Refusal, Verification, Verifier } from "../../auth/verification.ts";
import { type Backplane, BackplaneUnavailable } from "../../backplane/contract.ts";
import { CallLimit } from "../../call_limit.ts";
import type { WallClock } from "../../clocks.ts";

/** Time in which a ticket is accepted, in milliseconds. */
const TICKET_MS = 30_000;
/** Tickets that are taken from the store at once. Anybody can invent some. */
const MAX_TAKING = 16;
/** Tickets that wait for their turn. */
const MAX_WAITING = 1_000;

/** Dependencies of `Tickets`. */
export interface TicketsDeps {
  readonly store: Pick<Backplane, "put" | "take">;
  readonly verifier: Verifier;
  readonly wallNow: WallClock;
  readonly randomBytes: RandomBytes;
}

/** A ticket that was issued. */
export interface IssuedTicket {
  readonly ticket: string;
  /** In whole seconds since 1970. */
  readonly expiresAt: number;
}

/** Result of redeeming a ticket. */
export type Redemption = Exclude<Verification, Refusal> | TicketRefusal;

/** Refusal of a ticket; `auth_unavailable` if its token cannot be verified now. */
export type TicketRefusal =
  | { readonly ok: false; readonly code: "invalid_ticket" }
  | Refusal & { readonly code: "auth_unavailable" };

const INVALID = { ok: false, code: "invalid_ticket" } as const;

/** One-use tickets in place of tokens (docs/protocol.md, rules 2.12 to 2.15). */
export class Tickets {
  readonly #deps: TicketsDeps;
  readonly #taking = new CallLimit(
    MAX_TAKING,
    MAX_WAITING,
    () => new BackplaneUnavailable("Too many tickets wait to be checked. Retry shortly."),
  );

  constructor(deps: TicketsDeps) {
    this.#deps = deps;
  }

  /**
   * Issues a ticket for the user of a token. `path`, with the base path, is the only one that takes
   * it.
   * @throws {BackplaneUnavailable} as a rejection
   */
  async issue(token: string, { expiresAt }: User, path: string | undefined): Promise<IssuedTicket> {
    const { store, wallNow, randomBytes } = this.#deps;
    const ticket = createTicket(randomBytes);
    const [key, sealed] = await Promise.all([
      storeKeyOf(ticket),
      seal(ticket, { token, ...(path === undefined ? {} : { path }) }),
    ]);
    const now = wallNow();
    // A token counts a little after its expiry, if clocks may differ.
    const ttlMs = Math.max(1_000, Math.min(TICKET_MS, expiresAt * 1000 - now));
    await store.put(key, sealed, ttlMs);
    return { ticket, expiresAt: Math.floor((now + ttlMs) / 1000) };
  }

  /**
   * Takes a ticket, which is used up then whatever the result, and verifies its token again.
   * @throws {BackplaneUnavailable} as a rejection
   */
  async redeem(ticket: string, path: string): Promise<Redemption> {
    if (!isTicket(ticket)) return INVALID;
    const key = await storeKeyOf(ticket);
    const sealed = await this.#taking.run(() => this.#deps.store.take(key));
    const content = sealed === undefined ? undefined : await open(ticket, sealed).catch(() => undefined);
    if (!content || content.path !== undefined && content.path !== path) return INVALID;
    const verification = await this.#deps.verifier.verify(content.token);
    if (verification.ok || isUnavailable(verification)) return verification;
    return INVALID;
  }
}

function isUnavailable(refusal: Refusal): refusal is Refusal & { readonly code: "auth_unavailable" } {
  return refusal.code === "auth_unavailable";
}
