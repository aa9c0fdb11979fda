import type { Ledger } from "./ledger.ts";

/** Whom one member sees in its room at a moment, and who it is itself. */
export interface PresenceView {
  readonly member: number;
  readonly room: string;
  /** Its connection's id; null: it is not live at this moment. */
  readonly connection: string | null;
  /** Whom it sees, by their connections, and who they say they are. */
  readonly present: readonly { readonly connection: string; readonly member: number }[];
}

/** A view of a thousand in a few characters: for looking again and again. */
export interface PresenceGlimpse extends Pick<PresenceView, "room" | "connection"> {
  /** Of the connections that it sees; another one for others, and where one is seen twice. */
  readonly digest: string;
}

/** A view in short. */
export function glimpse({ room, connection, present }: PresenceView): PresenceGlimpse {
  return { room, connection, digest: digest(present.map(({ connection }) => connection)) };
}

/** True if at this moment every member of the room is live, and sees exactly those that are. */
export function isExact(views: readonly PresenceView[]): boolean {
  return looksExact(views.map(glimpse));
}

/** The same, of views in short. */
export function looksExact(glimpses: readonly PresenceGlimpse[]): boolean {
  const connected = glimpses.flatMap(({ connection }) => connection === null ? [] : [connection]);
  if (connected.length < glimpses.length) return false;
  const wanted = digest(connected);
  return glimpses.every(({ digest }) => digest === wanted);
}

/** Hashes of connections: each is asked for by every member that sees it. */
const hashes = new Map<string, readonly [number, number]>();

/** Says which texts these are, in whatever order: how many, and their hashes, summed. */
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

/** Enters who is seen and is not there, and who is there and is not seen, of a room that did not become exact in time. */
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
        `room ${room}: client ${member} sees client ${who} as ${connection}, who is not connected`,
      );
    }
    const seen = new Set(present.map(({ connection }) => connection));
    for (const [connection, who] of connected) {
      if (connection === null || seen.has(connection)) continue;
      ledger.breach("absent", `room ${room}: client ${member} does not see client ${who} as ${connection}`);
    }
  }
}
