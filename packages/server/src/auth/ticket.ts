/**
 * Texts of one-use tickets (docs/protocol.md, rules 2.12 to 2.15). A store sees the hash of a
 * ticket, and the ticket's token encrypted with the ticket. So whoever reads the store can use
 * neither. Whoever writes to it cannot make a user, because the token is verified again.
 */
import { decode, encode } from "jose/base64url";

/** Beginning of every ticket, for people and for scanners of secrets. */
const TICKET_PREFIX = "rt_ticket_";
/** 32 random bytes. */
const RANDOM_BYTES = 32;
const TICKET = new RegExp(`^${TICKET_PREFIX}[A-Za-z0-9_-]{43}$`);

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** What a ticket stands for. */
export interface TicketContent {
  /** The token that it was issued for. */
  readonly token: string;
  /** Path of the only address that takes it, with the base path; any address if absent. */
  readonly path?: string;
}

/** Makes random bytes that nobody can guess. */
export type RandomBytes = (count: number) => Uint8Array;

/** Makes a ticket of random bytes. */
export function createTicket(randomBytes: RandomBytes): string {
  return TICKET_PREFIX + encode(randomBytes(RANDOM_BYTES));
}

/** True for text of the form of a ticket. */
export function isTicket(text: string): boolean {
  return TICKET.test(text);
}

/** The key under which a store has a ticket: its SHA-256. */
export async function storeKeyOf(ticket: string): Promise<string> {
  return encode(new Uint8Array(await sha256(ticket)));
}

/** Encrypts what a ticket stands for. */
export async function seal(ticket: string, content: TicketContent): Promise<string> {
  const plain = ENCODER.encode(JSON.stringify(content));
  return encode(new Uint8Array(await crypto.subtle.encrypt(CIPHER, await cipherKey(ticket), plain)));
}

/** Decrypts what a ticket stands for. Rejects if the text was not sealed with the ticket. */
export async function open(ticket: string, sealed: string): Promise<TicketContent> {
  const plain = await crypto.subtle.decrypt(CIPHER, await cipherKey(ticket), new Uint8Array(decode(sealed)));
  return JSON.parse(DECODER.decode(plain));
}

/** A constant vector is safe: each key encrypts one text. */
const CIPHER = { name: "AES-GCM", iv: new Uint8Array(12) } as const;

/** Derives a key that the store's key does not tell. */
async function cipherKey(ticket: string): Promise<CryptoKey> {
  const bytes = await sha256(`content of ${ticket}`);
  return await crypto.subtle.importKey("raw", bytes, CIPHER.name, false, ["encrypt", "decrypt"]);
}

async function sha256(text: string): Promise<ArrayBuffer> {
  return await crypto.subtle.digest("SHA-256", ENCODER.encode(text));
}
