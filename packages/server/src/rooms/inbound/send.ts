import type { Backplane, Draft, Ephemeral, Stored } from "../../backplane/contract.ts";
import type { RoomDeps } from "../room_deps.ts";

/** A checked message on its way to the room. */
export interface Outgoing extends Draft {
  readonly ephemeral?: boolean | undefined;
  readonly to?: Ephemeral["to"] | undefined;
}

/** What sending works with. */
export interface SendDeps extends Pick<RoomDeps, "metrics" | "now"> {
  readonly backplane: Pick<Backplane, "publish" | "emit">;
}

/**
 * Hands a message to the backplane at once, and resolves when it is stored; with undefined when it is ephemeral and on its way.
 * @throws {BackplaneUnavailable} as a rejection
 */
export async function send(
  key: string,
  { id, event, data, from, ephemeral, to }: Outgoing,
  { backplane, metrics, now }: SendDeps,
): Promise<Stored | undefined> {
  const draft = { id, event, data, from };
  if (ephemeral) {
    metrics.emitted += 1;
    await backplane.emit(key, { ...draft, at: now(), ...(to ? { to } : {}) });
    return undefined;
  }
  const [stored] = await backplane.publish(key, [draft]);
  if (stored && !stored.duplicate) metrics.published += 1;
  return stored;
}
