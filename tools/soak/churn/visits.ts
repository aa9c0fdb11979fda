import { malformed } from "../../support/wire/malformed_frames.ts";
import type { SeededRandom } from "../../support/seeded_random.ts";
import { TcpMember, type TcpMemberOptions } from "../../support/wire/tcp_member.ts";
import { requestHead } from "../../support/wire/raw_socket.ts";
import type { ChurnedServer } from "./churned_server.ts";

/** Input of a visitor. */
export interface Visit {
  readonly server: ChurnedServer;
  readonly random: SeededRandom;
  /** Unlike any other visit's. */
  readonly number: number;
}

/** Joins, does something and leaves, in one of several ways; rejects when the server fails. */
export type Visitor = (visit: Visit) => Promise<void>;

/** Rooms that are visited again and again. */
export const SHARED_ROOMS: readonly string[] = ["shared-0", "shared-1", "shared-2"];
const USERS = 500;

/** Everything that visitors do; each is as likely as the others. */
export const VISITORS: Readonly<Record<string, Visitor>> = {
  async stays_a_while(visit) {
    await using member = await join(visit, freshRoom(visit));
    await member.request({ type: "presence", id: "in", state: { visit: visit.number } });
    await publish(member, visit, 3);
    await member.request({ type: "presence", id: "out", state: null });
    await member.close();
  },
  async shares_a_room(visit) {
    await using member = await join(visit, sharedRoom(visit));
    await member.request({ type: "presence", id: "in", state: { visit: visit.number } });
    await publish(member, visit, 1);
    await member.request({ type: "history", id: "page", before: 2 ** 40, limit: 20 });
    await member.close();
  },
  async breaks_off(visit) {
    await using member = await join(visit, sharedRoom(visit));
    await member.request({ type: "presence", id: "in", state: { visit: visit.number } });
    // Unread bytes make the kernel answer with a reset.
    member.pause();
    await publishUnanswered(member, visit);
    member.abort();
  },
  async resumes(visit) {
    const { server, number } = visit;
    const [room, user] = [freshRoom(visit), `resuming-${number}`];
    const [first, welcome] = await TcpMember.join(await server.roomUrl(room, user));
    await using lost = first;
    await lost.request({ type: "presence", id: "in", state: {} });
    await publish(lost, visit, 2);
    lost.abort();
    const query = { after: 1, epoch: welcome.epoch, connection: welcome.connection };
    const [second, { recovered }] = await TcpMember.join(await server.roomUrl(room, user, query));
    await using resumed = second;
    if (!recovered) throw new Error(`Visit ${number} was not recovered.`);
    await resumed.close();
  },
  async is_plain(visit) {
    await using member = await join(visit, sharedRoom(visit), { plain: true });
    await publish(member, visit, 1);
    await member.close(4000);
  },
  async sends_nonsense(visit) {
    await using member = await join(visit, freshRoom(visit));
    for (let count = 0; count < 4; count++) await member.sendText(malformed(visit.random).text);
    await member.request({ type: "ping", id: "nonsense is through" });
    await member.sendFrame(2, new Uint8Array(8));
    await member.ended;
  },
  async listens_to_events(visit) {
    const { server } = visit;
    const url = server.httpUrl(`/rooms/${sharedRoom(visit)}/events?history=5`);
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${await server.token(user(visit))}` },
    });
    if (!response.ok || !response.body) throw new Error(`Events were answered with ${response.status}.`);
    const reader = response.body.getReader();
    await reader.read();
    await reader.cancel();
  },
  async publishes_over_http(visit) {
    const { server, number } = visit;
    const room = visit.random.below(2) === 0 ? freshRoom(visit) : sharedRoom(visit);
    const headers = { apikey: server.secretKey, "content-type": "application/json" };
    const body = JSON.stringify({ id: `http-${number}`, event: "churn", data: filler(visit) });
    const url = server.httpUrl(`/rooms/${room}/messages`);
    await expectStatus(await fetch(url, { method: "POST", headers, body }), 201);
    await expectStatus(await fetch(url, { method: "POST", headers, body }), 200);
    const authorization = `Bearer ${await server.token(user(visit))}`;
    await expectStatus(await fetch(`${url}?limit=10`, { headers: { authorization } }), 200);
  },
  async is_refused({ server, number }) {
    await expectStatus(await fetch(server.httpUrl(`/rooms/none?token=bad-${number}`)), 401);
  },
  async leaves_before_the_answer(visit) {
    const { server } = visit;
    const { port, pathname, search } = new URL(await server.roomUrl(sharedRoom(visit), user(visit)));
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    await connection.write(requestHead(pathname + search));
  },
};

async function join(visit: Visit, room: string, options?: TcpMemberOptions): Promise<TcpMember> {
  const [member] = await TcpMember.join(await visit.server.roomUrl(room, user(visit)), options);
  return member;
}

async function publish(member: TcpMember, visit: Visit, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const id = `visit-${visit.number}-${index}`;
    const { type } = await member.request({ type: "publish", id, event: "churn", data: filler(visit) });
    if (type !== "ack") throw new Error(`Visit ${visit.number}: a publish was answered with ${type}.`);
  }
}

async function publishUnanswered(member: TcpMember, visit: Visit): Promise<void> {
  await member.send({ type: "publish", id: `visit-${visit.number}`, event: "churn", data: filler(visit) });
}

async function expectStatus(response: Response, status: number): Promise<void> {
  await response.body?.cancel();
  if (response.status !== status) throw new Error(`${response.status} came instead of ${status}.`);
}

function freshRoom({ number }: Visit): string {
  return `fresh-${number}`;
}

function sharedRoom({ random }: Visit): string {
  return random.pick(SHARED_ROOMS);
}

function user({ random }: Visit): string {
  return `user-${random.below(USERS)}`;
}

function filler({ random }: Visit): string {
  return "x".repeat(50 + random.below(400));
}
