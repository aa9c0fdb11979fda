/** Runs the contract suite on Postgres. */
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { backplaneContract } from "./contract.ts";
import { createPostgresTestWorld } from "./postgres_world.ts";

if (!isWithoutPostgres) {
  backplaneContract({ name: "postgres", createWorld: createPostgresTestWorld, canKill: true, runs: 30 });
}
