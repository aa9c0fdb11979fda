/**
 * Peer of connect beside raw Deno: verifies tokens with jose, in a separate process.
 * @module
 */
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { serveJobs } from "../../support/processes/serve_jobs.ts";

/** Verification of tokens, with the concurrency of the load generator's connects. */
export interface VerifyJob {
  readonly tokens: readonly string[];
  readonly concurrency: number;
}

if (import.meta.main) {
  const keys = JSON.parse(Deno.env.get("SUPABASE_JWKS") ?? "") as JSONWebKeySet;
  const keySet = createLocalJWKSet(keys);
  await serveJobs(async (input) => {
    const job = input as VerifyJob; // from our own driver
    const waiting = job.tokens.values();
    const verifySome = async (): Promise<void> => {
      for (const token of waiting) {
        await jwtVerify(token, keySet, { audience: "authenticated", algorithms: ["ES256"] });
      }
    };
    await Promise.all(Array.from({ length: job.concurrency }, verifySome));
  });
}
