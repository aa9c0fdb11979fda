/** Checks of open connections: how many there are, and what follows from an answer. */
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { SessionWatch } from "../../packages/server/src/auth/session_watch.ts";
import { type User, userFromClaims } from "../../packages/server/src/auth/user.ts";
import { refused, unavailable, type Verification } from "../../packages/server/src/auth/verification.ts";
import { cacheSeconds, parseConfig } from "../../packages/server/src/config/parse_config.ts";
import { defaultClaims } from "../../packages/cli/dev/issuer.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { rawGet } from "../../tools/support/wire/raw_request.ts";
import { RoomClient } from "../support/room_client.ts";
import { startWithSessions } from "../support/session_fixture.ts";

function userOf(name: string): User {
  const user = userFromClaims(defaultClaims(name));
  if (!user) throw new Error("The claims name no user.");
  return user;
}

/** A connection that counts its ends. */
class Connection {
  ends = 0;
  endSession(): void {
    this.ends++;
  }
}

/** A watch whose answers the test has in its hands; the token of a user is its name. */
class Bench {
  readonly asked: string[] = [];
  failures = 0;
  underWay = 0;
  most = 0;
  answer: (token: string) => Verification | Promise<Verification> = (token) => ({
    ok: true,
    user: userOf(token),
  });
  readonly watch: SessionWatch;

  constructor(checks = 4) {
    this.watch = new SessionWatch({
      tokenOf: ({ id }) => id === "unknown" ? undefined : id,
      verifyAgain: async (token) => {
        this.asked.push(token);
        this.most = Math.max(this.most, ++this.underWay);
        try {
          return await this.answer(token);
        } finally {
          this.underWay--;
        }
      },
      everyMs: 100,
      checks,
      onUnavailable: () => void this.failures++,
      now: () => performance.now(),
    });
  }

  /** Watches a new connection of a user. */
  open(user: string): Connection {
    const connection = new Connection();
    this.watch.add(connection, userOf(user));
    return connection;
  }

  /** Waits for this number of checks from now on. */
  askedMore(count: number): Promise<number> {
    const before = this.asked.length;
    return eventually(() => Promise.resolve(this.asked.length), (asked) => asked >= before + count);
  }
}

Deno.test("a token is checked once for all its connections, which end together, once", async () => {
  const bench = new Bench();
  const connections = Array.from({ length: 100 }, () => bench.open("alice"));
  await bench.askedMore(2);
  assertEquals(bench.most, 1);
  bench.answer = () => refused("invalid_token", "ended");
  await eventually(() => Promise.resolve(connections.every(({ ends }) => ends === 1)), Boolean);
  for (const connection of connections) bench.watch.delete(connection);
});

Deno.test("neither a failure nor an expired token ends a connection, and a failure is told once until Auth is back", async () => {
  const bench = new Bench();
  const [alice, bob] = [bench.open("alice"), bench.open("bob")];
  bench.answer = () => unavailable("later", new Error("down"));
  await bench.askedMore(4);
  bench.answer = (token) => ({ ok: true, user: userOf(token) });
  await bench.askedMore(4);
  bench.answer = () => Promise.reject(new Error("a fault"));
  await bench.askedMore(4);
  assertEquals(bench.failures, 2);
  bench.answer = () => refused("token_expired", "expired");
  await bench.askedMore(2);
  assertEquals([alice.ends, bob.ends], [0, 0]);
  // Neither is asked about any more: no timer is left, which the test runner checks.
});

Deno.test("a slow Auth lowers the pace: few checks are under way", async () => {
  const bench = new Bench(2);
  const held = Promise.withResolvers<void>();
  bench.answer = async (token) => {
    await held.promise;
    return { ok: true, user: userOf(token) };
  };
  const connections = Array.from({ length: 20 }, (_, index) => bench.open(`user-${index}`));
  await bench.askedMore(2);
  assertEquals(bench.asked.length, 2);
  held.resolve();
  await bench.askedMore(18);
  assertEquals([new Set(bench.asked).size, bench.most], [20, 2]);
  for (const connection of connections) bench.watch.delete(connection);
});

Deno.test("an answer about a token that a connection no longer has does not end it", async () => {
  const bench = new Bench();
  const alice = bench.open("old");
  const verdict = Promise.withResolvers<Verification>();
  bench.answer = () => verdict.promise;
  await bench.askedMore(1);
  bench.watch.add(alice, userOf("new"));
  bench.answer = (token) => ({ ok: true, user: userOf(token) });
  verdict.resolve(refused("invalid_token", "ended"));
  await bench.askedMore(2);
  assertEquals([alice.ends, [...new Set(bench.asked)]], [0, ["old", "new"]]);
  bench.watch.delete(alice);
});

Deno.test("a connection whose token nobody knows is not watched, and one that ended is not either", () => {
  const bench = new Bench();
  bench.watch.delete(bench.open("unknown"));
  bench.watch.delete(bench.open("alice"));
  bench.watch.delete(new Connection());
});

Deno.test("a verified token is cached for 300 s, or for 10 s if Auth verifies tokens, or for the configured time", () => {
  const common = { SUPABASE_URL: "http://x", SUPABASE_ANON_KEY: "k" };
  const seconds = (env: Record<string, string>) =>
    cacheSeconds(parseConfig((name) => new Map(Object.entries({ ...common, ...env })).get(name)));
  assertEquals(seconds({}), 300);
  assertEquals(seconds({ AUTH_POLICY: "remote" }), 10);
  assertEquals(seconds({ AUTH_POLICY: "remote", AUTH_CACHE_SECONDS: "60" }), 60);
});

Deno.test("remote policy: a new request sees an ended session once the cached answer is over", async () => {
  await using sessions = await startWithSessions();
  const { auth, running } = sessions;
  const token = await auth.signIn("alice");
  const whoami = () => rawGet(running.port, "/realtime/whoami", [`Authorization: Bearer ${token}`]);
  assertEquals((await whoami()).status, 200);
  auth.signOut("alice");
  await eventually(whoami, ({ status }) => status === 401);
});

Deno.test("remote policy: many connections of one token cost one request a round", async () => {
  await using sessions = await startWithSessions();
  const { auth, project, running } = sessions;
  const token = await auth.signIn("alice");
  await using first = await RoomClient.join(running, "r", { token });
  await using second = await RoomClient.join(running, "r", { token });
  await using third = await RoomClient.join(running, "s", { token });
  assertEquals(new Set([first, second, third].map(({ connection }) => connection)).size, 3);
  const { user } = project.asked;
  const startedAt = performance.now();
  await eventually(() => Promise.resolve(project.asked.user), (asked) => asked >= user + 2);
  const rounds = Math.ceil((performance.now() - startedAt) / 1000);
  assertLessOrEqual(project.asked.user, user + rounds + 1);
});
