import type { Ledger } from "./ledger.ts";

/** Presence as one member sees it at one moment. */
export interface PresenceView {
  readonly member: number;
  readonly room: string;
  /** The member's own connection; null if the member is not live. */
  readonly connection: string | null;
  /** Present members by connection. */
  readonly present: readonly { readonly connection: string; readonly member: number }[];
}

/** A view in a few characters. A room of a thousand is compared many times. */
export interface PresenceDigest extends Pick<PresenceView, "room" | "connection"> {
  /** Digest of the visible connections; a duplicate changes it. */
  readonly digest: string;
}

export function digestView({ room, connection, present }: PresenceView): PresenceDigest {
  return { room, connection, digest: digest(present.map(({ connection }) => connection)) };
}

/** True if every member of the room is live, and sees exactly the live members. */
export function isExact(views: readonly PresenceView[]): boolean {
  return areDigestsExact(views.map(digestView));
}

/** Same as `isExact`, for digests. */
export function areDigestsExact(digests: readonly PresenceDigest[]): boolean {
  const connected = digests.flatMap(({ connection }) => connection === null ? [] : [connection]);
  if (connected.length < digests.length) return false;
  const wanted = digest(connected);
  return digests.every(({ digest }) => digest === wanted);
}

/** Hashes by connection. Every member that sees a connection needs its hash. */
const hashes = new Map<string, readonly [number, number]>();

/** Digest of a multiset of texts: their count and the sums of two hashes, independent of order. */
function digest(texts: readonly string[]): string {
  let [one, other] = [0, 0];
  for (const text of texts) {
    let hash = hashes.get(text);
    if (!hash) hashes.set(text, hash = [fnv1a(text), fnv1a(`again ${text}`)]);
    one = (one + hash[0]) >>> 0;
    other = (other + hash[1]) >>> 0;
  }
  return `${texts.length} ${one} ${other}`;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Records ghosts and absent members of a room that did not become exact in time. */
export function judgePresence(ledger: Ledger, views: readonly PresenceView[]): void {
  const connected = new Map(views.map(({ connection, member }) => [connection, member]));
  for (const { member, room, connection: own, present } of views) {
    if (own === null) {
      ledger.breach("absent", `room ${room}: client ${member} is not connected`);
      continue;
    }
    for (const { connection, member: who } of present) {
      if (connected.has(connection)) continue;
      ledger.breach(
        "ghosts",
        `room ${room}: client ${member} sees client ${who} as ${connection}, which is not connected`,
      );
    }
    const seen = new Set(present.map(({ connection }) => connection));
    for (const [connection, who] of connected) {
      if (connection === null || seen.has(connection)) continue;
      ledger.breach("absent", `room ${room}: client ${member} does not see client ${who} as ${connection}`);
    }
  }
}
