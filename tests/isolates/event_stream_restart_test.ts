/** Event streams of Chromium and of npm's `eventsource` in restarts, with and without a proxy. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { deadline, delay } from "@std/async";
import { createRoom, type Room } from "../../packages/client/mod.ts";
import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { eventually } from "../../tools/support/eventually.ts";
import {
  type FunctionProcess,
  startFunctionProcess,
} from "../../tools/support/processes/function_process.ts";
import { createTestDatabase } from "../../tools/support/postgres/database.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { isWithoutChromium, launchChromium } from "../support/chromium.ts";
import { DOCUMENTED_PROXIES } from "../support/proxies/proxies.ts";
import { Disposables } from "./disposables.ts";
import { openBrowserEventSource, openNpmEventSource, type StreamClient } from "./event_stream_client.ts";

const PATIENCE_MS = 60_000;
const PUBLISH_INTERVAL_MS = 30;
/** Clients of each kind. */
const CLIENTS = 3;

/** Events of the room. */
interface Numbered {
  readonly numbered: number;
}

/** Publishes until its end; knows how many messages are stored. */
class Publisher implements AsyncDisposable {
  readonly #ending = new AbortController();
  readonly #publishing: Promise<void>;
  stored = 0;

  constructor(readonly room: Room<Numbered>) {
    this.#publishing = this.#publish();
  }

  /** Stops publishing; resolves with the number of stored messages. */
  async end(): Promise<number> {
    this.#ending.abort();
    await this.#publishing;
    return this.stored;
  }

  /** Waits until that many more messages are stored. */
  async more(count: number): Promise<void> {
    const wanted = this.stored + count;
    await eventually(() => Promise.resolve(this.stored), (stored) => stored >= wanted, PATIENCE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end().catch(() => {/* the test has failed already */});
    await this.room.close();
  }

  async #publish(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      this.stored = await deadline(this.room.publish("numbered", this.stored), PATIENCE_MS);
      await delay(PUBLISH_INTERVAL_MS, { signal }).catch(() => {/* aborted */});
    }
  }
}

/** Opens clients of both kinds at an address, and waits until each has received a message. */
async function openClients(
  origin: string,
  issuer: Issuer,
  disposables: Disposables,
): Promise<readonly StreamClient[]> {
  const url = async (user: string) =>
    `${origin}/realtime/rooms/r/events?after=0&epoch=none&token=${await issuer.token(user)}`;
  const clients: StreamClient[] = [];
  for (let count = 0; count < CLIENTS; count++) {
    clients.push(disposables.use(openNpmEventSource(await url(`npm-${count}`))));
  }
  if (!isWithoutChromium) {
    const browser = await launchChromium();
    disposables.use({ [Symbol.asyncDispose]: () => browser.close() });
    for (let count = 0; count < CLIENTS; count++) {
      clients.push(disposables.use(await openBrowserEventSource(browser, await url(`page-${count}`))));
    }
  }
  await untilAll(clients, (last) => last > 0);
  return clients;
}

/** Waits until the last message of each client is right. */
async function untilAll(clients: readonly StreamClient[], isRight: (last: number) => boolean): Promise<void> {
  await Promise.all(clients.map(async (client) => {
    const view = await eventually(
      () => client.view(),
      ({ seen, isClosed }) => isClosed || isRight(Number(seen.at(-1))),
      PATIENCE_MS,
    );
    assert(!view.isClosed, `${client.name} gave up after ${view.seen.at(-1)}, with ${view.errors} errors`);
  }));
}

/** Ends a process as an operator does, and starts a new one at its port. */
async function replace(
  old: FunctionProcess,
  env: Readonly<Record<string, string>>,
): Promise<FunctionProcess> {
  old.signal("SIGTERM");
  const { code } = await deadline(old.status, PATIENCE_MS);
  assertEquals(code, 0, old.stderr);
  return await startFunctionProcess({ env: { ...env, PORT: `${old.port}` } });
}

/** A way to the processes, and the number of them. */
interface Way {
  readonly name: string;
  readonly isMissing: boolean;
  readonly processes: 1 | 2;
  readonly start: (ports: readonly [number, number], use: Disposables) => Promise<{
    readonly origin: string;
    readonly logs?: () => Promise<string>;
  }>;
}

const WAYS: readonly Way[] = [
  {
    name: "of one process",
    isMissing: false,
    processes: 1,
    start: ([port]) => Promise.resolve({ origin: `http://127.0.0.1:${port}` }),
  },
  ...DOCUMENTED_PROXIES.map(({ name, isMissing, start }): Way => ({
    name: `behind ${name}`,
    isMissing,
    processes: 2,
    start: async (ports, disposables) => disposables.use(await start(ports)),
  })),
];

for (const { name, isMissing, processes, start } of WAYS) {
  Deno.test({
    name: `in a restart ${name}, EventSource returns by itself and misses nothing`,
    ignore: isMissing || isWithoutPostgres,
    fn: async () => {
      const issuer = await createIssuer();
      await using database = await createTestDatabase();
      await using disposables = new Disposables();
      const env = {
        SUPABASE_JWKS: JSON.stringify(issuer.jwks),
        SUPABASE_DB_URL: database.url,
        HISTORY_MESSAGES: "20000",
        DRAIN_SECONDS: "2",
      };
      let one = disposables.use(await startFunctionProcess({ env }));
      let two = processes === 2 ? disposables.use(await startFunctionProcess({ env })) : one;
      const way = await start([one.port, two.port], disposables);
      const room = createRoom<Numbered>(`${way.origin}/realtime/rooms/r`, {
        token: () => issuer.token("publisher"),
      });
      room.open();
      await using publisher = new Publisher(room);
      await publisher.more(1);
      const clients = await openClients(way.origin, issuer, disposables);

      one = disposables.use(await replace(one, env));
      if (processes === 2) {
        await publisher.more(50);
        two = disposables.use(await replace(two, env));
      }
      await publisher.more(50);
      const stored = await publisher.end();
      await untilAll(clients, (last) => last === stored);

      let errors = 0;
      for (const client of clients) {
        const view = await client.view();
        // The first gap is the answer to the epoch of nobody.
        assertEquals(
          view.seen,
          ["gap", ...Array.from({ length: stored }, (_, place) => place + 1)],
          client.name,
        );
        errors += view.errors;
      }
      assertGreater(errors, 0, "No client was disturbed.");
      console.log(`    ${stored} messages to ${clients.length} clients, ${errors} reconnects`);
      const logs = await way.logs?.() ?? "";
      assert(!/eyJ|token=|jwt-/.test(logs), `A log contains a token:\n${logs}`);
    },
  });
}
