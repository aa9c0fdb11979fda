import { assert, assertEquals } from "@std/assert";
import { PresenceModel } from "../backplane/presence_model.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";
import { freshId, RoomClient, roomUrl } from "../support/room_client.ts";
import type { RunningServer } from "../support/running_server.ts";
import { inOrder, PresenceView } from "./presence_view.ts";

/** Whose connection a resume names; another one's, which may be another user's, is not there for everybody to take. */
export type Named = "nobody's" | "its own" | "another's";

/** Something that one client does. */
export type PresenceStep =
  /** Joins, or resumes; `names` says whose connection it says that it continues. */
  | { readonly do: "connect"; readonly client: number; readonly resumes: boolean; readonly names: Named }
  /** Joins before, or resumes, when it is not there. */
  | { readonly do: "enter"; readonly client: number; readonly state: number }
  /** `leave` leaves presence, `close` the room, `part` closes with a code that is no farewell, `vanish` breaks off. */
  | { readonly do: "leave" | "close" | "part" | "vanish"; readonly client: number };

/** Whose clients they are. */
export const USERS = ["alice", "alice", "alice", "bob", "bob"] as const;

/** Longer than a run. */
export const GRACE_MS = 600_000;

interface Client {
  readonly user: string;
  readonly plain: boolean;
  member: TcpMember | undefined;
  /** Its last connection. */
  connection: string | undefined;
}

/** What happens one after the other is told as the model says; what happens at the same time adds up all the same. */
export class PresenceRun {
  readonly #running: RunningServer;
  readonly #room: string;
  readonly #model = new PresenceModel();
  readonly #clients: readonly Client[] = USERS.map((user, index) => ({
    user,
    plain: index === 1,
    member: undefined,
    connection: undefined,
  }));
  /** Connections that left on purpose. */
  readonly #farewells = new Set<string>();
  #epoch: string | undefined;

  constructor(running: RunningServer, room: string) {
    this.#running = running;
    this.#room = room;
  }

  /** Does one step after the other. */
  async runInTurn(steps: readonly PresenceStep[]): Promise<void> {
    await this.#watch(async () => {
      for (const step of steps) await this.#do(step, this.#client(step.client));
    }, (view) => {
      assertEquals(view.changes, this.#model.changes);
      assertEquals(view.present, inOrder(this.#model.present));
    });
  }

  /** Each client does its steps, all at the same time. */
  async runAtOnce(steps: readonly PresenceStep[]): Promise<void> {
    await this.#watch(async () => {
      await Promise.all(this.#clients.map(async (client, index) => {
        for (const step of steps) {
          if (step.client === index) await this.#do(step, client);
        }
      }));
    }, (view) => {
      for (const change of view.changes) {
        if (change.type !== "left") continue;
        assert(
          this.#farewells.has(change.entry.connection),
          `${change.entry.connection} has left, and did not mean to`,
        );
      }
    });
  }

  async #watch(
    act: () => Promise<void>,
    check: (view: PresenceView) => void,
  ): Promise<void> {
    await using v1 = await RoomClient.join(this.#running, this.#room, { user: "witness" });
    await using plain = await RoomClient.join(this.#running, this.#room, { user: "witness", plain: true });
    const watching = [v1, plain].map((client) => ({ client, view: new PresenceView() }));
    try {
      await act();
      for (const { client, view } of watching) {
        for (const frame of await client.takeAll()) {
          if (frame.type === "presence") view.take(frame);
        }
      }
      await using fresh = await RoomClient.join(this.#running, this.#room, { user: "fresh" });
      const list = new PresenceView();
      list.take(await fresh.next("presence"));
      for (const { view } of watching) {
        assertEquals(view.present, list.present);
        check(view);
      }
    } finally {
      for (const { member } of this.#clients) await member?.[Symbol.asyncDispose]();
    }
  }

  async #do(step: PresenceStep, client: Client): Promise<void> {
    if (!client.member) {
      if (step.do === "connect") await this.#connect(client, step);
      if (step.do === "enter") {
        await this.#connect(client, {
          resumes: step.state > 0,
          names: step.state > 1 ? "its own" : "nobody's",
        });
      }
    }
    const { member, connection = "" } = client;
    if (!member || step.do === "connect") return;
    switch (step.do) {
      case "enter": {
        const state = { state: step.state };
        await member.request({ type: "presence", id: freshId(), state });
        return this.#model.enter({ user: client.user, connection, state: JSON.stringify(state) }, 0);
      }
      case "leave":
        this.#farewells.add(connection);
        await member.request({ type: "presence", id: freshId(), state: null });
        return this.#model.leave(connection);
      default:
        return await this.#end(step.do, client, member);
    }
  }

  async #connect(client: Client, { resumes, names }: { resumes: boolean; names: Named }): Promise<void> {
    const previous = this.#named(client, names);
    const epoch = this.#epoch;
    const resumption = resumes && epoch
      ? { after: 0, epoch, ...(previous ? { connection: previous } : {}) }
      : undefined;
    const url = await roomUrl(this.#running, this.#room, {
      user: client.user,
      ...(resumption ? { query: resumption } : {}),
    });
    const [member, welcome] = await TcpMember.join(url, { plain: client.plain });
    await member.until((frame) => frame.type === "presence" && frame.members !== undefined, "the list");
    client.member = member;
    client.connection = welcome.connection;
    this.#epoch = welcome.epoch;
    if (!resumption) return;
    this.#model.resume({
      user: client.user,
      connection: welcome.connection,
      ...(previous ? { previous } : {}),
    }, 0);
  }

  #named(client: Client, names: Named): string | undefined {
    if (names === "nobody's") return undefined;
    if (names === "its own") return client.connection;
    const next = (this.#clients.indexOf(client) + 1) % this.#clients.length;
    return this.#clients[next]?.connection;
  }

  async #end(how: "close" | "part" | "vanish", client: Client, member: TcpMember): Promise<void> {
    const { connection = "" } = client;
    client.member = undefined;
    if (how === "close") this.#farewells.add(connection);
    if (how === "vanish") await member[Symbol.asyncDispose]();
    else await member.close(how === "close" ? 1000 : 4000);
    await this.#untilNoticed(connection);
    if (how === "close") this.#model.leave(connection);
    else this.#model.linger(connection, GRACE_MS);
  }

  /** Waits until the server has seen that a connection is gone. */
  async #untilNoticed(connection: string): Promise<void> {
    const isIt = (line: Readonly<Record<string, unknown>>) => line["socket"] === connection;
    for (let count = 1;; count++) {
      if ((await this.#running.logged("socket.close", count)).some(isIt)) return;
    }
  }

  #client(index: number): Client {
    const client = this.#clients[index % this.#clients.length];
    assert(client);
    return client;
  }
}
