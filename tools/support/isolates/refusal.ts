import { concatBytes } from "../wire/byte_queue.ts";
import { bytesOfText, formatHead } from "../wire/http_head.ts";

/** A response of the host itself, in the words of the hosted platform where it has some. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Thrown if no isolate can take a request. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

export const NOT_FOUND: Refusal = {
  status: 404,
  code: "NOT_FOUND",
  message: "Requested function was not found",
};
export const BAD_REQUEST: Refusal = {
  status: 400,
  code: "BAD_REQUEST",
  message: "This is not an HTTP/1.1 request",
};
/** For an upgrade request, the host forwards no other response than 101 (docs/edge-host.md). */
export const NOT_UPGRADED: Refusal = {
  status: 502,
  code: "BAD_GATEWAY",
  message: "The function did not upgrade the connection",
};
export const SILENT: Refusal = {
  status: 504,
  code: "IDLE_TIMEOUT",
  message: "The function did not answer in time",
};
export const OVER_LIMIT: Refusal = {
  status: 546,
  code: "WORKER_LIMIT",
  message: "Function failed due to not having enough compute resources (please check logs)",
};
export const CRASHED: Refusal = {
  status: 500,
  code: "WORKER_ERROR",
  message: "Function exited due to an error (please check logs)",
};
export const NO_ROOM: Refusal = {
  status: 503,
  code: "NO_WORKER",
  message: "As many workers as are allowed are alive, and none takes new requests",
};
export const ENDING: Refusal = { status: 503, code: "SHUTTING_DOWN", message: "The host is ending" };

/** Creates the refusal for a function that failed to start. */
export function bootError(detail: string): Refusal {
  return {
    status: 503,
    code: "BOOT_ERROR",
    message: `Function failed to start (please check logs): ${detail}`,
  };
}

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  404: "Not Found",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** Encodes the response; the connection ends after it. */
export function refusalBytes({ status, code, message }: Refusal): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify({ code, message }));
  const head = formatHead(`HTTP/1.1 ${status} ${REASONS[status] ?? "Error"}`, [
    "content-type: application/json",
    `content-length: ${body.length}`,
    "connection: close",
  ]);
  return concatBytes([bytesOfText(head), body]);
}
