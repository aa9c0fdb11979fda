/** The head of a request, names of headers as they came. */
export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Whether it asks for an upgrade. */
  readonly wantsUpgrade: boolean;
}

/** Reads the head of a request without the empty line at its end; undefined when it is none. */
export function parseRequestHead(text: string): RequestHead | undefined {
  const [line = "", ...fields] = text.split("\r\n");
  const [, method, address] = /^([!-~]+) (\S+) HTTP\/1\.[01]$/.exec(line) ?? [];
  if (method === undefined || address === undefined) return undefined;
  const headers: [string, string][] = [];
  for (const field of fields) {
    const [, name, value] = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(field) ?? [];
    if (name === undefined || value === undefined) return undefined;
    headers.push([name, value]);
  }
  const target = address.replace(/^https?:\/\/[^/?#]+/, "");
  return { method, target, headers, wantsUpgrade: isUpgrade(headers) };
}

function isUpgrade(headers: RequestHead["headers"]): boolean {
  const has = (wanted: string, token: RegExp) =>
    headers.some(([name, value]) => name.toLowerCase() === wanted && token.test(value));
  return has("connection", /(^|,)\s*upgrade\s*(,|$)/i) && has("upgrade", /./);
}

/**
 * The path as the function gets it: `/functions/v1/NAME/…` arrives as `/NAME/…`. For local use `/NAME/…` is taken too; undefined when it
 * is not the function's.
 */
export function pathForFunction(target: string, name: string): string | undefined {
  const path = target.startsWith("/functions/v1/") ? target.slice("/functions/v1".length) : target;
  const rest = path.startsWith(`/${name}`) ? path.slice(name.length + 1) : undefined;
  return rest === "" || rest?.startsWith("/") || rest?.startsWith("?") ? path : undefined;
}

/** Headers that say how the next request goes, of which there is none: each connection carries one to an isolate. */
const OF_THE_CONNECTION = new Set(["connection", "keep-alive", "proxy-connection"]);

/** The head as a worker gets it, with the empty line: another path, and the client's address at the end of `x-forwarded-for`. */
export function forwardedHead(head: RequestHead, target: string, clientAddress: string): string {
  const forwarded = head.headers.filter(([name]) => name.toLowerCase() === "x-forwarded-for");
  const kept = head.headers.filter(([name]) => {
    const lower = name.toLowerCase();
    return lower !== "x-forwarded-for" && (head.wantsUpgrade || !OF_THE_CONNECTION.has(lower));
  });
  const addresses = [...forwarded.map(([, value]) => value), clientAddress].join(", ");
  const lines = [
    ...kept,
    ["x-forwarded-for", addresses],
    ...(head.wantsUpgrade ? [] : [["connection", "close"]]),
  ];
  return [`${head.method} ${target} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`), "", ""]
    .join(
      "\r\n",
    );
}

/** Bytes as text, a character each, and back: nothing is lost on the way. */
export function textOfBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** The bytes of such a text. */
export function bytesOfText(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
