import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { SoakClients } from "./soak_clients.ts";
import { Isolates, type IsolatesOptions } from "./soak_isolates.ts";
import type { SoakOptions } from "./soak_options.ts";
import { type MemberJob, userOf } from "./soak_member.ts";
import { type BackplaneName, startStore, type Store } from "../support/backplane_store.ts";

/** One client in so many says goodbye half way, and one in so many vanishes when publishing ends. */
const LEAVING_SHARE = 20;
const DOOMED_SHARE = 20;
/** A token is good for longer than the run. */
const SPARE_SECONDS = 3_600;
/** Of what is left of an isolate's life when it is warned, a tenth, this part is for its drain: as 8 s are of the host's 40 s. */
const DRAIN_SHARE = 0.2;

/** Everything that a run needs: a store, isolates, clients. `await using` ends it all. */
export interface Stage extends AsyncDisposable {
  readonly store: Store;
  readonly isolates: Isolates;
  readonly clients: SoakClients;
  /** Clients that close half way. */
  readonly leaving: readonly number[];
}

/** Starts a store, isolates and the processes of the clients. @throws {Error} when one of them does not start */
export async function setStage(options: SoakOptions, backplane: BackplaneName): Promise<Stage> {
  const parts: AsyncDisposable[] = [];
  const keep = <Part extends AsyncDisposable>(part: Part): Part => {
    parts.unshift(part);
    return part;
  };
  // Deno 2.1.4 has no AsyncDisposableStack.
  const end = async () => {
    for (const part of parts) await part[Symbol.asyncDispose]();
  };
  try {
    const issuer = await createIssuer();
    const store = keep(await startStore(backplane));
    const env = { SUPABASE_JWKS: JSON.stringify(issuer.jwks), ...store.env };
    const isolates = keep(await Isolates.start(isolatesOptions(options, env)));
    const jobs = await createJobs(options, issuer, isolates.origin);
    const doomed = Math.floor(options.clients / DOOMED_SHARE);
    const staying = options.clients - Math.floor(options.clients / LEAVING_SHARE);
    const clients = keep(
      await SoakClients.start({
        doomed: jobs.slice(0, doomed),
        jobs: jobs.slice(doomed),
        processes: options.processes,
      }),
    );
    const leaving = jobs.slice(staying).map(({ member }) => member);
    return { store, isolates, clients, leaving, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

function isolatesOptions(options: SoakOptions, env: Readonly<Record<string, string>>): IsolatesOptions {
  const { entry, isolates, wallMs, cpuMs, deno } = options;
  const drainSeconds = Math.floor(wallMs / 10_000 * DRAIN_SHARE);
  return {
    entry,
    env: { ...env, LOG_LEVEL: "warn", DRAIN_SECONDS: String(drainSeconds), ...options.env },
    count: isolates,
    wallMs,
    cpuMs,
    deno,
  };
}

async function createJobs(options: SoakOptions, issuer: Issuer, origin: string): Promise<MemberJob[]> {
  const claims = { exp: Math.floor(Date.now() / 1_000 + options.runMs / 1_000) + SPARE_SECONDS };
  const share = options.present / options.clients;
  return await Promise.all(
    Array.from({ length: options.clients }, async (_, member) => {
      const room = `soak-${member % options.rooms}`;
      const token = await issuer.token(userOf(member), { claims });
      const isPresent = Math.floor(member * share) < Math.floor((member + 1) * share);
      return { member, room, url: `${origin}${options.path}/${room}`, token, isPresent };
    }),
  );
}
