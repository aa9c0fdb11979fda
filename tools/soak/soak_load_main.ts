/** Process of members, controlled by lines of JSON (soak_jobs.ts). Ends when its input ends. */
import { createConnection, type RoomConnection } from "../../packages/client/mod.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { serveJobs } from "../support/processes/serve_jobs.ts";
import type { LoadAnswers, LoadCommand, LoadProgress } from "./soak_jobs.ts";
import { digestView, type PresenceView } from "./presence_view.ts";
import { type MemberJob, SoakMember } from "./soak_member.ts";

/** Rate of the timer that publishes. */
const STEPS_PER_SECOND = 20;
const MAX_FILLER = 200;

/** Members by `keyOf`. */
const members = new Map<string, SoakMember>();
/** Shared connections by client. */
const connections = new Map<number, RoomConnection>();
let published = 0;
let publishing: ReturnType<typeof setInterval> | undefined;

function keyOf({ member, room }: Pick<MemberJob, "member" | "room">): string {
  return `${member} ${room}`;
}

/** Returns the client's shared connection, or null if its room has a socket of its own. */
function connectionOf({ member, url, token, isShared }: MemberJob): RoomConnection | null {
  if (!isShared) return null;
  // The last two parts of the path are the endpoint and the room.
  const base = url.replace(/(\/[^/]+){2}$/, "");
  const connection = connections.get(member) ?? createConnection(base, { token: () => token });
  connections.set(member, connection);
  return connection;
}

async function join({ members: jobs, atOnce }: Extract<LoadCommand, { type: "join" }>): Promise<null> {
  const waiting = jobs.map((job) => {
    const member = new SoakMember(job, connectionOf(job));
    members.set(keyOf(job), member);
    return member;
  });
  const joinOneByOne = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await next.join();
  };
  await Promise.all(Array.from({ length: atOnce }, joinOneByOne));
  return null;
}

function publish({ perSecond, seed }: Extract<LoadCommand, { type: "publish" }>): null {
  const random = new SeededRandom(seed);
  const all = [...members.values()];
  const startedAt = performance.now();
  publishing = setInterval(() => {
    // A late timer also publishes what is overdue.
    const due = (performance.now() - startedAt) / 1_000 * perSecond;
    for (; published < due; published++) random.pick(all).publish("x".repeat(random.below(MAX_FILLER)));
  }, 1_000 / STEPS_PER_SECOND);
  return null;
}

function progress(): LoadProgress {
  const all = [...members.values()];
  const sum = (of: (member: SoakMember) => number) => all.reduce((total, member) => total + of(member), 0);
  return {
    members: all.length,
    live: sum(({ isLive }) => isLive ? 1 : 0),
    published,
    pending: sum(({ pending }) => pending),
    delivered: sum(({ delivered }) => delivered),
    reconnects: sum(({ absences }) => absences.length),
  };
}

async function leave(who: readonly number[]): Promise<null> {
  const leaving = [...members.values()].filter(({ client }) => who.includes(client));
  await Promise.all(leaving.map((member) => member.leave()));
  return null;
}

function heads(): Record<string, number> {
  const known: Record<string, number> = {};
  for (const { room, head } of members.values()) known[room] = Math.max(known[room] ?? 0, head);
  return known;
}

function views(): PresenceView[] {
  return [...members.values()].flatMap(({ view }) => view ? [view] : []);
}

async function answer(command: LoadCommand): Promise<LoadAnswers[LoadCommand["type"]]> {
  switch (command.type) {
    case "join":
      return await join(command);
    case "publish":
      return publish(command);
    case "progress":
      return progress();
    case "leave":
      return await leave(command.members);
    case "stop":
      clearInterval(publishing);
      return heads();
    case "behind":
      return [...members.values()].filter((member) =>
        !member.hasLeft && !member.hasCaughtUp(command.heads[member.room] ?? 0)
      ).length;
    case "digests":
      return views().map(digestView);
    case "views":
      return views().filter(({ room }) => command.rooms.includes(room));
    case "account": {
      const member = members.get(keyOf(command));
      if (!member) {
        throw new Error(
          `Unknown member ${command.member} of ${command.room}: it did not join in this process.`,
        );
      }
      const { account, errors } = member;
      return { account, errors: Object.fromEntries(errors) };
    }
  }
}

// The driver sends nothing else.
await serveJobs((job) => answer(job as LoadCommand));
Deno.exit(0);
