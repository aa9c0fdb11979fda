/** Two isolates, each a process of its own: whoever is in a room meets whoever is in it elsewhere, and a killed isolate loses nothing. */
import { assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import { connect, type Room } from "../client/mod.ts";
import { createIssuer, type Issuer } from "../dev/issuer.ts";
import { type FunctionProcess, startFunctionProcess } from "./support/function_process.ts";
import { createTestDatabase } from "./support/postgres/database.ts";
import { isWithoutPostgres } from "./support/postgres/server.ts";
import { isWithoutRedis } from "./support/redis/availability.ts";
import { RedisProcess } from "./support/redis/redis_process.ts";

type Events = { readonly chat: number };
/** The lease of a killed isolate, and its members' grace. */
const PATIENCE_MS = 40_000;

function startIsolate(issuer: Issuer, env: Readonly<Record<string, string>>): Promise<FunctionProcess> {
  return startFunctionProcess({
    env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks), PRESENCE_GRACE_MS: "1000", ...env },
  });
}

/** A member of the lobby by one isolate's port. */
function join(issuer: Issuer, user: string, port: number, resume?: Room<Events>): Room<Events> {
  return connect<Events>(`http://127.0.0.1:${port}/realtime/rooms/lobby`, {
    token: () => issuer.token(user),
    retry: { minMs: 5, maxMs: 50 },
    ...(resume?.position ? { resume: resume.position } : {}),
  });
}

/** Collects what a room receives, until there are so many. */
function collect(room: Room<Events>, count: number): Promise<number[]> {
  const seen: number[] = [];
  return deadline(
    new Promise<number[]>((resolve) => {
      room.on("message", ({ data }) => {
        if (seen.push(data) === count) resolve(seen);
      });
    }),
    PATIENCE_MS,
  );
}

async function testIsolates(env: Readonly<Record<string, string>>): Promise<void> {
  const issuer = await createIssuer();
  await using one = await startIsolate(issuer, env);
  await using two = await startIsolate(issuer, env);
  await using alice = join(issuer, "alice", one.port);
  const bob = join(issuer, "bob", two.port);
  await Promise.all([alice.live(), bob.live()]);

  // Both publish at once, through both isolates: one order for all.
  const [byAlice, byBob] = [collect(alice, 40), collect(bob, 40)];
  const publishing = Array.from(
    { length: 20 },
    (_, n) => [alice.publish("chat", n), bob.publish("chat", 100 + n)],
  );
  const offsets = (await Promise.all(publishing.flat())).sort((first, second) => first - second);
  assertEquals(offsets, Array.from({ length: 40 }, (_, n) => n + 1));
  assertEquals(await byAlice, await byBob);

  // Presence goes across.
  const joined = deadline(
    new Promise<string[]>((resolve) => {
      alice.on("presence", ({ joined }) => joined.length > 0 && resolve(joined.map(({ user }) => user)));
    }),
    PATIENCE_MS,
  );
  await bob.presence.enter({});
  assertEquals(await joined, ["bob"]);

  // The isolate dies without a word; what is said meanwhile comes when its client is elsewhere, and presence ends once.
  const left: string[] = [];
  const gone = deadline(
    new Promise<void>((resolve) => {
      alice.on("presence", (change) => {
        left.push(...change.left.map(({ user }) => user));
        if (left.length > 0) resolve();
      });
    }),
    PATIENCE_MS,
  );
  two.signal("SIGKILL");
  await two.status;
  for (let n = 200; n < 205; n++) await alice.publish("chat", n);
  await using again = join(issuer, "bob", one.port, bob);
  assertEquals(await collect(again, 5), [200, 201, 202, 203, 204]);
  await bob.close();
  await gone;
  assertEquals(left, ["bob"]);
}

Deno.test({
  name: "two isolates on Postgres are one room, and one that is killed loses nothing",
  ignore: isWithoutPostgres,
  fn: async () => {
    await using database = await createTestDatabase();
    await testIsolates({ SUPABASE_DB_URL: database.url });
  },
});

Deno.test({
  name: "two isolates on Redis are one room, and one that is killed loses nothing",
  ignore: isWithoutRedis,
  fn: async () => {
    await using redis = await RedisProcess.start();
    await testIsolates({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
  },
});
