import type { Backplane, Draft, Ephemeral, Stored } from "../../backplane/contract.ts";
import type { RoomDeps } from "../room_deps.ts";

/** A checked message on its way to the room. */
export interface Outgoing extends Draft {
  readonly ephemeral?: boolean | undefined;
  readonly to?: Ephemeral["to"] | undefined;
  /** Connection of the sender that does not get the message. */
  readonly exclude?: string | undefined;
  readonly key?: string | undefined;
}

/** Dependencies of sending. */
export interface SendDeps extends Pick<RoomDeps, "metrics" | "wallNow"> {
  readonly backplane: Pick<Backplane, "publish" | "emit">;
}

/**
 * Hands a message to the backplane at once. Resolves when it is stored, or with undefined when it
 * is ephemeral and sent.
 * @throws {BackplaneUnavailable} as a rejection
 */
export async function send(
  room: string,
  { id, event, data, from, ephemeral, to, exclude, key }: Outgoing,
  { backplane, metrics, wallNow }: SendDeps,
): Promise<Stored | undefined> {
  const draft = { id, event, data, from };
  if (ephemeral) {
    metrics.emitted += 1;
    const options = {
      ...(to ? { to } : {}),
      ...(exclude === undefined ? {} : { exclude }),
      ...(key === undefined ? {} : { key }),
    };
    await backplane.emit(room, { ...draft, at: wallNow(), ...options });
    return undefined;
  }
  const [stored] = await backplane.publish(room, [draft]);
  if (stored && !stored.duplicate) metrics.published += 1;
  return stored;
}
