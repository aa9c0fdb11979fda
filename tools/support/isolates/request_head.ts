import { formatHead, type HttpRequestHead, parseHttpRequest } from "../wire/http_head.ts";

/** Head of a request to the host; its target is a path with a query. */
export interface RequestHead extends HttpRequestHead {
  /** True if the request asks for an upgrade. */
  readonly wantsUpgrade: boolean;
}

/** Parses a request head without its empty line; undefined if it breaks the grammar. */
export function parseRequestHead(text: string): RequestHead | undefined {
  const head = parseHttpRequest(text);
  if (!head) return undefined;
  const target = head.target.replace(/^https?:\/\/[^/?#]+/, "");
  return { ...head, target, wantsUpgrade: isUpgrade(head) };
}

function isUpgrade({ headers }: HttpRequestHead): boolean {
  const has = (wanted: string, token: RegExp) =>
    headers.some(([name, value]) => name.toLowerCase() === wanted && token.test(value));
  return has("connection", /(^|,)\s*upgrade\s*(,|$)/i) && has("upgrade", /./);
}

/**
 * Returns the path as the function receives it: `/functions/v1/NAME/…` becomes `/NAME/…`. Accepts
 * `/NAME/…` too, for local use. Undefined if the path belongs to another function.
 */
export function pathForFunction(target: string, name: string): string | undefined {
  const path = target.startsWith("/functions/v1/") ? target.slice("/functions/v1".length) : target;
  const rest = path.startsWith(`/${name}`) ? path.slice(name.length + 1) : undefined;
  return rest === "" || rest?.startsWith("/") || rest?.startsWith("?") ? path : undefined;
}

/** Headers about the next request: each connection to an isolate carries only one request. */
const OF_THE_CONNECTION = new Set(["connection", "keep-alive", "proxy-connection"]);

/**
 * Formats the head for a worker, with the empty line: the path is replaced, and the client's
 * address is appended to `x-forwarded-for`.
 */
export function forwardedHead(head: RequestHead, target: string, clientAddress: string): string {
  const forwarded = head.headers.filter(([name]) => name.toLowerCase() === "x-forwarded-for");
  const kept = head.headers.filter(([name]) => {
    const lower = name.toLowerCase();
    return lower !== "x-forwarded-for" && (head.wantsUpgrade || !OF_THE_CONNECTION.has(lower));
  });
  const addresses = [...forwarded.map(([, value]) => value), clientAddress].join(", ");
  return formatHead(`${head.method} ${target} HTTP/1.1`, [
    ...kept,
    ["x-forwarded-for", addresses],
    ...(head.wantsUpgrade ? [] : ["connection: close"]),
  ]);
}
