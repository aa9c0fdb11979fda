import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { SoakClients } from "./soak_clients.ts";
import { Isolates, type IsolatesOptions } from "./soak_isolates.ts";
import type { SoakOptions } from "./soak_options.ts";
import { type MemberJob, userOf } from "./soak_member.ts";
import { type BackplaneName, startStore, type Store } from "../support/backplane_store.ts";

/** One client in 20 closes half way, and one in 20 vanishes after the last publish. */
const LEAVING_SHARE = 20;
const VANISHING_SHARE = 20;
/** Extra lifetime of a token, beyond the run. */
const SPARE_SECONDS = 3_600;
/**
 * Share of the remaining lifetime that a warned isolate drains for. The warning comes at nine
 * tenths of the lifetime; the host gives 8 of 40 s.
 */
const DRAIN_SHARE = 0.2;

/** Store, isolates and clients of a run. `await using` ends them. */
export interface Fixture extends AsyncDisposable {
  readonly store: Store;
  readonly isolates: Isolates;
  readonly clients: SoakClients;
  /** Members that close half way. */
  readonly leaving: readonly number[];
}

/**
 * Starts the store, the isolates and the client processes.
 * @throws {Error} if one does not start
 */
export async function startFixture(options: SoakOptions, backplane: BackplaneName): Promise<Fixture> {
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
    const vanishing = Math.floor(options.clients / VANISHING_SHARE);
    const staying = options.clients - Math.floor(options.clients / LEAVING_SHARE);
    const clients = keep(
      await SoakClients.start({
        vanishing: jobs.filter(({ member }) => member < vanishing),
        jobs: jobs.filter(({ member }) => member >= vanishing),
        processes: options.processes,
      }),
    );
    const leaving = Array.from({ length: options.clients - staying }, (_, at) => staying + at);
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
  const { rooms, roomsPerSocket } = options;
  const url = `${origin}${options.path}`;
  const jobs = await Promise.all(
    Array.from({ length: options.clients }, async (_, member) => {
      const token = await issuer.token(userOf(member), { claims });
      const isPresent = Math.floor(member * share) < Math.floor((member + 1) * share);
      return Array.from({ length: roomsPerSocket ?? 1 }, (_, at) => {
        const room = `soak-${(member + at) % rooms}`;
        return { member, room, url: `${url}/${room}`, isShared: roomsPerSocket !== null, token, isPresent };
      });
    }),
  );
  return jobs.flat();
}
