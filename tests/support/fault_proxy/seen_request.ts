import { headerOf, parseHttpRequest } from "../../../tools/support/wire/http_head.ts";

/** An HTTP request as the proxy saw it pass. */
export interface SeenRequest {
  /** Empty if the head broke the grammar. */
  readonly method: string;
  /** Path and query, with every possible token as `***`. */
  readonly target: string;
  /** True if the request asks for a WebSocket. */
  readonly isUpgrade: boolean;
  /** In bytes; undefined when only the body itself tells its end. */
  readonly bodyLength: number | undefined;
}

const UNREADABLE: SeenRequest = { method: "", target: "", isUpgrade: false, bodyLength: undefined };

/** Reads the head of a request, without its empty line. */
export function parseSeenRequest(text: string): SeenRequest {
  const head = parseHttpRequest(text);
  if (!head) return UNREADABLE;
  const { method, target, headers } = head;
  const isChunked = headerOf(headers, "transfer-encoding") !== undefined;
  return {
    method,
    target: maskTokens(target),
    isUpgrade: headerOf(headers, "upgrade")?.toLowerCase() === "websocket",
    bodyLength: isChunked ? undefined : Number(headerOf(headers, "content-length") ?? 0),
  };
}

/** Masks the query's tokens, and anything else that looks like a JSON Web Token. */
function maskTokens(target: string): string {
  return target
    .replace(/([?&](?:token|jwt|apikey|access_token)=)[^&]*/gi, "$1***")
    .replace(/eyJ[\w%-]+(\.[\w%-]+)*/g, "***");
}
