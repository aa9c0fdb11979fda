import { PostgresServer } from "../../tools/support/postgres/server.ts";
import { createCertificate } from "../isolates/certificate.ts";

/** Postgres server with a certificate for 127.0.0.1. */
export interface TlsServer {
  readonly server: PostgresServer;
  /** Certificate (PEM) of the authority; only who gets it trusts the server. */
  readonly ca: string;
}

/** Starts a server that ends with the process. */
export async function startTlsServer(): Promise<TlsServer> {
  await using certificate = await createCertificate();
  const server = await PostgresServer.start([], certificate);
  return { server, ca: await Deno.readTextFile(certificate.authority) };
}

let shared: Promise<TlsServer> | undefined;

/** Starts the server that all tests of the process share. */
export function sharedTlsServer(): Promise<TlsServer> {
  return shared ??= startTlsServer();
}
