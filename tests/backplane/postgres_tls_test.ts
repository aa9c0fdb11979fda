/** Runs the contract suite on Postgres over TLS. */
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { backplaneContract } from "./contract.ts";
import { createTlsTestWorld } from "./postgres_world.ts";

if (!isWithoutPostgres) {
  backplaneContract({ name: "postgres over TLS", createWorld: createTlsTestWorld, canKill: true, runs: 10 });
}
