import { malformed } from "../../support/wire/malformed_frames.ts";
import type { SeededRandom } from "../../support/seeded_random.ts";
import { TcpMember, type TcpMemberOptions } from "../../support/wire/tcp_member.ts";
import { requestHead } from "../../support/wire/raw_socket.ts";
import type { ChurnedServer } from "./churned_server.ts";

/** Input of a session script. */
export interface Session {
  readonly server: ChurnedServer;
  readonly random: SeededRandom;
  /** Unique number. */
  readonly number: number;
}

/** Joins, acts and leaves in one way; rejects if the server fails. */
export type SessionScript = (session: Session) => Promise<void>;

/** Rooms that many sessions use. */
export const SHARED_ROOMS: readonly string[] = ["shared-0", "shared-1", "shared-2"];
const USERS = 500;

/** Session scripts by name; each is equally likely. */
export const SESSIONS: Readonly<Record<string, SessionScript>> = {
  async stays_a_while(session) {
    await using member = await join(session, freshRoom(session));
    await member.request({ type: "presence", id: "in", state: { session: session.number } });
    await publish(member, session, 3);
    await member.request({ type: "presence", id: "out", state: null });
    await member.close();
  },
  async shares_a_room(session) {
    await using member = await join(session, sharedRoom(session));
    await member.request({ type: "presence", id: "in", state: { session: session.number } });
    await publish(member, session, 1);
    await member.request({ type: "history", id: "page", before: 2 ** 40, limit: 20 });
    await member.close();
  },
  async breaks_off(session) {
    await using member = await join(session, sharedRoom(session));
    await member.request({ type: "presence", id: "in", state: { session: session.number } });
    // Unread bytes make the kernel answer with a reset.
    member.pause();
    await publishUnanswered(member, session);
    member.abort();
  },
  async resumes(session) {
    const { server, number } = session;
    const [room, user] = [freshRoom(session), `resuming-${number}`];
    const [first, welcome] = await TcpMember.join(await server.roomUrl(room, user));
    await using lost = first;
    await lost.request({ type: "presence", id: "in", state: {} });
    await publish(lost, session, 2);
    lost.abort();
    const query = { after: 1, epoch: welcome.epoch, connection: welcome.connection };
    const [second, { recovered }] = await TcpMember.join(await server.roomUrl(room, user, query));
    await using resumed = second;
    if (!recovered) throw new Error(`Session ${number} was not recovered.`);
    await resumed.close();
  },
  async is_plain(session) {
    await using member = await join(session, sharedRoom(session), { plain: true });
    await publish(member, session, 1);
    await member.close(4000);
  },
  async sends_nonsense(session) {
    await using member = await join(session, freshRoom(session));
    for (let count = 0; count < 4; count++) await member.sendText(malformed(session.random).text);
    await member.request({ type: "ping", id: "malformed frames are handled" });
    await member.sendFrame(2, new Uint8Array(8));
    await member.ended;
  },
  async listens_to_events(session) {
    const { server } = session;
    const url = server.httpUrl(`/rooms/${sharedRoom(session)}/events?history=5`);
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${await server.token(user(session))}` },
    });
    if (!response.ok || !response.body) {
      throw new Error(`The event stream was answered with HTTP ${response.status} instead of 200.`);
    }
    const reader = response.body.getReader();
    await reader.read();
    await reader.cancel();
  },
  async publishes_over_http(session) {
    const { server, number } = session;
    const room = session.random.below(2) === 0 ? freshRoom(session) : sharedRoom(session);
    const headers = { apikey: server.secretKey, "content-type": "application/json" };
    const body = JSON.stringify({ id: `http-${number}`, event: "churn", data: filler(session) });
    const url = server.httpUrl(`/rooms/${room}/messages`);
    await expectStatus(await fetch(url, { method: "POST", headers, body }), 201);
    await expectStatus(await fetch(url, { method: "POST", headers, body }), 200);
    const authorization = `Bearer ${await server.token(user(session))}`;
    await expectStatus(await fetch(`${url}?limit=10`, { headers: { authorization } }), 200);
  },
  async is_refused({ server, number }) {
    await expectStatus(await fetch(server.httpUrl(`/rooms/none?token=bad-${number}`)), 401);
  },
  async leaves_before_the_answer(session) {
    const { server } = session;
    const { port, pathname, search } = new URL(await server.roomUrl(sharedRoom(session), user(session)));
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    await connection.write(requestHead(pathname + search));
  },
};

async function join(session: Session, room: string, options?: TcpMemberOptions): Promise<TcpMember> {
  const [member] = await TcpMember.join(await session.server.roomUrl(room, user(session)), options);
  return member;
}

async function publish(member: TcpMember, session: Session, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const id = `session-${session.number}-${index}`;
    const { type } = await member.request({ type: "publish", id, event: "churn", data: filler(session) });
    if (type !== "ack") throw new Error(`Session ${session.number}: a publish was answered with ${type}.`);
  }
}

async function publishUnanswered(member: TcpMember, session: Session): Promise<void> {
  await member.send({
    type: "publish",
    id: `session-${session.number}`,
    event: "churn",
    data: filler(session),
  });
}

async function expectStatus(response: Response, status: number): Promise<void> {
  await response.body?.cancel();
  if (response.status !== status) throw new Error(`HTTP ${response.status} instead of ${status}.`);
}

function freshRoom({ number }: Session): string {
  return `fresh-${number}`;
}

function sharedRoom({ random }: Session): string {
  return random.pick(SHARED_ROOMS);
}

function user({ random }: Session): string {
  return `user-${random.below(USERS)}`;
}

function filler({ random }: Session): string {
  return "x".repeat(50 + random.below(400));
}
