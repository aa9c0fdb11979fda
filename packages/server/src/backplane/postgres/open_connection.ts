import { lookup } from "node:dns/promises";
import { type TlsOptions, TlsProblem } from "./tls.ts";

/** Target of a connection, as the client library parsed it from the URL. */
export interface Address {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** Path of a Unix socket; replaces host and port. */
  readonly path: unknown;
}

/** Message that asks the server for TLS. The answer is one byte, `S` or `N`. */
const SSL_REQUEST = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * Opens a connection, encrypted as `tls` demands. The client library cannot do it: on Deno 2.1.4
 * its upgrade never completes (docs/architecture.md, "Postgres over TLS").
 * @throws {TlsProblem} as a rejection, if the mode demands TLS that the server does not provide
 */
export async function openConnection(
  address: Address,
  tls: TlsOptions,
  signal: AbortSignal,
): Promise<Deno.Conn> {
  if (typeof address.path === "string") {
    return await unlessAborted(Deno.connect({ transport: "unix", path: address.path }), signal, close);
  }
  // A URL has brackets around an IPv6 address.
  const host = (address.host[0] ?? "localhost").replace(/^\[|\]$/g, "");
  const port = address.port[0] ?? 5432;
  const connection = await dial(host, port, signal);
  if (tls.mode === "disable") return connection;
  let problem: TlsProblem;
  try {
    if (await offersTls(connection, signal)) return await encrypt(connection, host, tls.ca, signal);
    problem = new TlsProblem("not_offered", host);
    if (tls.mode !== "prefer") throw problem;
  } catch (error) {
    close(connection);
    const known = error instanceof TlsProblem ? error : TlsProblem.of(error, host);
    if (tls.mode !== "prefer" || !known) throw known ?? error;
    problem = known;
  }
  tls.onPlain?.(problem);
  return problem.reason === "not_offered" ? connection : await dial(host, port, signal);
}

/** Connects to the first address of the host that answers: Deno 2.1.4 tries only one. */
async function dial(hostname: string, port: number, signal: AbortSignal): Promise<Deno.TcpConn> {
  let failure: unknown;
  for (const { address } of await unlessAborted(lookup(hostname, { all: true }), signal)) {
    try {
      const connection = await unlessAborted(Deno.connect({ hostname: address, port }), signal, close);
      connection.setNoDelay(true);
      return connection;
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      failure = new Error(`No connection to ${hostname}:${port} (${address}): ${reason}`, { cause: error });
    }
  }
  throw failure;
}

async function offersTls(connection: Deno.Conn, signal: AbortSignal): Promise<boolean> {
  // A single byte is read: more would be plain text that somebody put before the handshake.
  const answer = new Uint8Array(1);
  const asking = connection.write(SSL_REQUEST).then(() => connection.read(answer));
  if (await closedOnAbort(connection, asking, signal) === null) {
    throw new Error("The server closed the connection when it was asked for TLS.");
  }
  const letter = String.fromCharCode(...answer);
  if (letter === "S" || letter === "N") return letter === "S";
  throw new Error(`The server answered ${JSON.stringify(letter)} when it was asked for TLS.`);
}

async function encrypt(
  tcp: Deno.TcpConn,
  hostname: string,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<Deno.TlsConn> {
  const connection = await Deno.startTls(tcp, { hostname, caCerts: ca === undefined ? [] : [ca] });
  try {
    await closedOnAbort(connection, connection.handshake(), signal);
    return connection;
  } catch (error) {
    close(connection);
    throw error;
  }
}

/**
 * Waits for a step of a connection. An aborted signal closes the connection, which ends the step.
 */
async function closedOnAbort<T>(connection: Deno.Conn, step: Promise<T>, signal: AbortSignal): Promise<T> {
  const stop = () => close(connection);
  signal.addEventListener("abort", stop);
  try {
    return await step;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/**
 * Waits for a promise that nothing cancels. Once the signal aborts, `discard` gets a late result.
 */
async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  discard: (late: T) => void = () => {},
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  try {
    return await Promise.race([promise, aborted.promise]);
  } catch (error) {
    void promise.then(discard, () => {/* the caller got the error */});
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // The connection is closed already, or became a TLS connection.
  }
}
