/** Modes of TLS; see `POSTGRES_SSLMODE` in docs/configuration.md. */
export type TlsMode = "disable" | "prefer" | "require" | "verify-full";

/** TLS of connections to Postgres. */
export interface TlsOptions {
  readonly mode: TlsMode;
  /** Certificates (PEM) that are trusted in addition to those of the runtime. */
  readonly ca?: string | undefined;
  /** Called with the reason when a connection under `prefer` is not encrypted. Must not throw. */
  readonly onPlain?: (problem: TlsProblem) => void;
}

/** Reason why a connection cannot be encrypted. */
export type TlsReason = "not_offered" | "not_trusted" | "wrong_host" | "handshake_failed";

/** A connection cannot be encrypted. The message names the reason and the next step. */
export class TlsProblem extends Error {
  override readonly name = "TlsProblem";
  readonly reason: TlsReason;

  constructor(reason: TlsReason, host: string, cause?: Error) {
    super(explain(reason, host, cause?.message), cause && { cause });
    this.reason = reason;
  }

  /**
   * Classifies an error of the handshake; undefined if the connection failed for another reason.
   */
  static of(error: unknown, host: string): TlsProblem | undefined {
    if (!(error instanceof Error)) return undefined;
    if (/not ?valid ?for ?name/i.test(error.message)) return new TlsProblem("wrong_host", host, error);
    if (error.message.startsWith("invalid peer certificate")) {
      return new TlsProblem("not_trusted", host, error);
    }
    return error instanceof Deno.errors.InvalidData
      ? new TlsProblem("handshake_failed", host, error)
      : undefined;
  }
}

function explain(reason: TlsReason, host: string, detail = ""): string {
  const otherwise = "or set POSTGRES_SSLMODE to disable";
  switch (reason) {
    case "not_offered":
      return `Postgres at ${host} offers no TLS. Enable TLS on the server, ${otherwise}.`;
    case "not_trusted":
      return `The certificate of Postgres at ${host} is not trusted (${detail}). ` +
        `Set POSTGRES_CA to the certificate of its authority (PEM), ${otherwise}.`;
    case "wrong_host":
      return `The certificate of Postgres is not valid for the host ${host} (${detail}). ` +
        `Connect by a name that the certificate contains, ${otherwise}.`;
    case "handshake_failed":
      return `The TLS handshake with Postgres at ${host} failed (${detail}). ` +
        `Enable TLS 1.2 or newer on the server, ${otherwise}.`;
    default:
      return reason satisfies never;
  }
}
