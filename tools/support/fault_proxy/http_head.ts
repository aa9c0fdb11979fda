/** What an HTTP request says before its body. */
export interface RequestHead {
  readonly method: string;
  /** Path and query; whatever may be a token in it is `***`. */
  readonly target: string;
  /** Whether it asks for a WebSocket. */
  readonly isUpgrade: boolean;
  /** In bytes; undefined when only the body itself tells. */
  readonly bodyLength: number | undefined;
}

/** A head that is complete. */
export interface ReadHead {
  /** All of it, with the empty line, and what came of it before. */
  readonly bytes: Uint8Array;
  /** Without the empty line; one character a byte. */
  readonly text: string;
  /** How many bytes of the last chunk it took. */
  readonly used: number;
}

const HEAD_END = "\r\n\r\n";
/** Beyond it, what comes is no head. */
const MOST_BYTES = 65_536;
const byByte = new TextDecoder("latin1");

/** Gathers the head of an HTTP request or answer. */
export class HeadReader {
  #bytes = new Uint8Array(0);

  /** Takes a chunk in; gives the head once it is complete, or so much that none can be meant. */
  push(chunk: Uint8Array): ReadHead | undefined {
    const before = this.#bytes.length;
    const all = new Uint8Array(before + chunk.length);
    all.set(this.#bytes);
    all.set(chunk, before);
    this.#bytes = all;
    const text = byByte.decode(all);
    const end = text.indexOf(HEAD_END);
    if (end < 0 && all.length < MOST_BYTES) return undefined;
    const size = end < 0 ? all.length : end + HEAD_END.length;
    this.#bytes = new Uint8Array(0);
    return { bytes: all.slice(0, size), text: text.slice(0, end < 0 ? 0 : end), used: size - before };
  }

  /** What was gathered. */
  takeRest(): Uint8Array {
    const rest = this.#bytes;
    this.#bytes = new Uint8Array(0);
    return rest;
  }
}

/** Reads a request's head. */
export function requestOf(text: string): RequestHead {
  const [requestLine = "", ...lines] = text.split("\r\n");
  const [method = "", target = ""] = requestLine.split(" ");
  const header = (name: string): string | undefined => {
    const line = lines.find((line) => line.slice(0, line.indexOf(":")).toLowerCase() === name);
    return line?.slice(name.length + 1).trim().toLowerCase();
  };
  const isChunked = header("transfer-encoding") !== undefined;
  return {
    method,
    target: withoutTokens(target),
    isUpgrade: header("upgrade") === "websocket",
    bodyLength: isChunked || method === "" ? undefined : Number(header("content-length") ?? 0),
  };
}

/** The query's tokens, and whatever else looks like one, as `***`. */
function withoutTokens(target: string): string {
  return target
    .replace(/([?&](?:token|jwt|apikey|access_token)=)[^&]*/gi, "$1***")
    .replace(/eyJ[\w%-]+(\.[\w%-]+)*/g, "***");
}
