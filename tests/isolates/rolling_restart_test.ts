/** Rolling restart of two processes on one Postgres behind nginx, as in docs/deploy.md. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { deadline, delay } from "@std/async";
import { createRoom, type Room } from "../../packages/client/mod.ts";
import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import {
  type FunctionProcess,
  startFunctionProcess,
} from "../../tools/support/processes/function_process.ts";
import { isWithoutNginx } from "../support/nginx/availability.ts";
import { startNginx } from "../support/nginx/nginx.ts";
import { createTestDatabase } from "../../tools/support/postgres/database.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";

interface Events {
  readonly numbered: { readonly by: string; readonly number: number };
}

const ROOMS = ["red", "green", "blue"];
const MEMBERS_PER_ROOM = 10;
const PUBLISHERS_PER_ROOM = 3;
/** Interval of each publisher, in milliseconds. */
const PUBLISH_INTERVAL_MS = 40;
/** Messages of each publisher before, between and after the restarts. */
const MESSAGES_PER_PHASE = 20;
/** Limit of each wait, on a busy machine. */
const PATIENCE_MS = 60_000;

/** Member that records everything it receives. */
class Member {
  readonly room: Room<Events>;
  /** `OFFSET USER NUMBER` of each message, in the order of arrival. */
  readonly messages: string[] = [];
  /** Events that must not occur once all members are present. */
  readonly disturbances: string[] = [];
  /** Durations of all disconnects, in milliseconds. */
  readonly absences: number[] = [];
  #leftLiveAt: number | undefined;
  #changed = Promise.withResolvers<void>();
  #areAllPresent = false;

  constructor(origin: string, readonly name: string, roomId: string, issuer: Issuer) {
    const room = this.room = createRoom<Events>(`${origin}/realtime/rooms/${roomId}`, {
      token: () => issuer.token(name),
      // No token may appear in nginx's logs, in either place.
      tokenPlace: name.endsWith("0") ? "query" : "subprotocol",
    });
    room.on("message", ({ offset, data }) => this.messages.push(`${offset} ${data.by} ${data.number}`));
    room.on("gap", (gap) => this.disturbances.push(`gap ${JSON.stringify(gap)}`));
    room.on("error", ({ code }) => this.disturbances.push(`error ${code}`));
    room.on("presence", ({ members }) => this.#onPresence(new Set(members.map(({ user }) => user))));
    room.on("frame", ({ frame }) => {
      if (!this.#areAllPresent || frame.type !== "presence" || "id" in frame) return;
      if (frame.joined?.length || frame.left?.length) this.disturbances.push(JSON.stringify(frame));
    });
    room.on("state", ({ type }) => {
      if (type === "live" && this.#leftLiveAt !== undefined) {
        this.absences.push(performance.now() - this.#leftLiveAt);
        this.#leftLiveAt = undefined;
      } else if (type !== "live" && this.room.position) this.#leftLiveAt ??= performance.now();
      this.#notify();
    });
    room.on("message", () => this.#notify());
  }

  /** Connects and enters presence. */
  async join(): Promise<void> {
    this.room.open();
    await deadline(this.room.live(), PATIENCE_MS);
    await this.room.presence.enter({ name: this.name });
  }

  /** Waits for a condition, checked after each event. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!condition()) {
      const left = Math.max(0, giveUpAt - performance.now());
      await deadline(this.#changed.promise, left).catch((cause: unknown) => {
        const { room, messages } = this;
        const last = `${room.state.type}, ${room.pending} pending, last message ${messages.at(-1)}`;
        throw new Error(`${this.name} waited for ${what}: ${last}`, { cause });
      });
    }
  }

  /** True once all members were present: from then on none may join or leave. */
  get hasSeenAll(): boolean {
    return this.#areAllPresent;
  }

  #onPresence(users: ReadonlySet<string>): void {
    if (this.#areAllPresent && users.size !== MEMBERS_PER_ROOM) {
      this.disturbances.push(`sees ${[...users].join()}`);
    }
    this.#areAllPresent ||= users.size === MEMBERS_PER_ROOM;
    this.#notify();
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Publishes numbered messages at an interval, and records the acked offsets. */
class Publisher {
  readonly acked: string[] = [];
  #publishing: Promise<void>[] = [];
  #number = 0;

  constructor(readonly member: Member) {}

  /**
   * Publishes until the signal is aborted; resolves when all messages are acked.
   * @throws {RoomError} when a publish is refused
   */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#publish();
      await delay(PUBLISH_INTERVAL_MS, { signal }).catch(() => {/* aborted */});
    }
    await deadline(Promise.all(this.#publishing), PATIENCE_MS);
  }

  #publish(): void {
    const { name: by, room } = this.member;
    const number = ++this.#number;
    this.#publishing.push(
      room.publish("numbered", { by, number }).then((offset) => {
        this.acked.push(`${offset} ${by} ${number}`);
      }),
    );
  }
}

/** Creates the members of all rooms, not yet connected. `await using` closes their rooms. */
function createMembers(
  origin: string,
  issuer: Issuer,
): AsyncDisposable & { readonly members: readonly Member[][] } {
  const indexes = Array.from({ length: MEMBERS_PER_ROOM }, (_, index) => index);
  const members = ROOMS.map((room) =>
    indexes.map((index) => new Member(origin, `${room}-${index}`, room, issuer))
  );
  return {
    members,
    async [Symbol.asyncDispose]() {
      await Promise.all(members.flat().map(({ room }) => room.close()));
    },
  };
}

/** Publishing by several members. `end` stops it and resolves when all messages are acked. */
interface Publishing extends AsyncDisposable {
  end(): Promise<void>;
}

function publishAll(publishers: readonly Publisher[]): Publishing {
  const ending = new AbortController();
  const running = Promise.all(publishers.map((publisher) => publisher.run(ending.signal)));
  const end = async () => {
    ending.abort();
    await running;
  };
  return { end, [Symbol.asyncDispose]: () => end().catch(() => {/* the first call of end has thrown it */}) };
}

/** Drains and ends a process, and starts a new one at its port. */
async function replace(
  old: FunctionProcess,
  env: Readonly<Record<string, string>>,
): Promise<FunctionProcess> {
  old.signal("SIGTERM");
  const { code } = await deadline(old.status, PATIENCE_MS);
  assertEquals(code, 0, old.stderr);
  return await startFunctionProcess({ env: { ...env, PORT: `${old.port}` } });
}

Deno.test({
  name: "a rolling restart behind nginx loses and repeats no message, and no member is reported as left",
  ignore: isWithoutNginx || isWithoutPostgres,
  fn: async () => {
    const issuer = await createIssuer();
    await using database = await createTestDatabase();
    const env = {
      SUPABASE_JWKS: JSON.stringify(issuer.jwks),
      SUPABASE_DB_URL: database.url,
      HISTORY_MESSAGES: "20000",
      DRAIN_SECONDS: "1",
    };
    await using one = await startFunctionProcess({ env });
    await using two = await startFunctionProcess({ env });
    await using nginx = await startNginx([one.port, two.port]);
    await using created = createMembers(nginx.origin, issuer);
    const { members } = created;
    const all = members.flat();
    await Promise.all(all.map((member) => member.join()));
    await Promise.all(
      all.map((member) => member.until(() => member.hasSeenAll, "all members to be present")),
    );

    const publishers = members.map((room) =>
      room.slice(0, PUBLISHERS_PER_ROOM).map((member) => new Publisher(member))
    );
    await using publishing = publishAll(publishers.flat());
    const phase = async () => {
      const counts = publishers.flat().map(({ acked, member }) => [member, acked, acked.length] as const);
      await Promise.all(
        counts.map(([member, acked, before]) =>
          member.until(() => acked.length >= before + MESSAGES_PER_PHASE, "more of its messages to be stored")
        ),
      );
    };
    await phase();
    await using _newOne = await replace(one, env);
    await phase();
    const awayOnce = all.filter(({ absences }) => absences.length > 0).length;
    await using _newTwo = await replace(two, env);
    await Promise.all(
      all.map((member) => member.until(() => member.room.state.type === "live", "being live")),
    );
    await phase();
    await publishing.end();

    for (const [index, room] of members.entries()) {
      const acked = (publishers[index] ?? []).flatMap((publisher) => publisher.acked);
      const stored = acked.sort((first, second) => parseInt(first) - parseInt(second));
      assertEquals(
        stored.map((line) => parseInt(line)),
        stored.map((_, place) => place + 1),
        "one offset per message",
      );
      for (const { member } of publishers[index] ?? []) {
        const own = stored.filter((line) => line.includes(` ${member.name} `)).map((line) =>
          Number(line.split(" ")[2])
        );
        assertEquals(own, own.map((_, place) => place + 1), `order of the messages of ${member.name}`);
      }
      for (const member of room) {
        await member.until(() => member.messages.length >= stored.length, "the last message");
        assertEquals(member.messages, stored, `messages of ${member.name}`);
        assertEquals(member.disturbances, [], `disturbances of ${member.name}`);
      }
    }
    const absences = all.flatMap((member) => member.absences);
    const acked = publishers.flat().reduce((sum, publisher) => sum + publisher.acked.length, 0);
    const worst = Math.round(Math.max(...absences));
    console.log(
      `    ${acked} messages to ${all.length} members, ${absences.length} reconnects, away for ${worst} ms at most`,
    );
    assertGreater(awayOnce, 0, "The first process had no members.");
    assertGreater(absences.length, all.length, "The second process did not have all members.");
    const logs = await nginx.logs();
    assert(!/eyJ|token=/.test(logs), "nginx's logs contain a token.");
    assert(logs.includes("GET /realtime/rooms/red 101"), "nginx did not log the upgrades.");
  },
});
