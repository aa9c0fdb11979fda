import { assert, assertEquals } from "@std/assert";
import { PresenceModel } from "../backplane/presence_model.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";
import { freshId, RoomClient, roomUrl } from "../support/room_client.ts";
import type { RunningServer } from "../support/running_server.ts";
import { PresenceReplica, sortEntries } from "./presence_replica.ts";

/**
 * Connection that a resume names: none, the client's own, or another client's, also of another
 * user.
 */
export type NamedConnection = "none" | "own" | "other";

/** Step of one client. */
export type PresenceStep =
  /** Joins, or resumes with the connection that `names` selects. */
  | {
    readonly do: "connect";
    readonly client: number;
    readonly resumes: boolean;
    readonly names: NamedConnection;
  }
  /** Enters presence. Joins or resumes first if necessary. */
  | { readonly do: "enter"; readonly client: number; readonly state: number }
  /** Leaves presence, closes normally, closes with another code, or aborts the connection. */
  | { readonly do: "leave" | "close" | "lose" | "abort"; readonly client: number };

/** Users of the clients. */
export const USERS = ["alice", "alice", "alice", "bob", "bob"] as const;

/** Disconnect grace period, longer than a run. */
export const GRACE_MS = 600_000;

interface Client {
  readonly user: string;
  readonly plain: boolean;
  member: TcpMember | undefined;
  /** Id of the last connection. */
  connection: string | undefined;
}

/** Runs steps in order against the model, or concurrently, and checks the members' presence. */
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
  /** Connections that left or closed normally. */
  readonly #normalCloses = new Set<string>();
  #epoch: string | undefined;

  constructor(running: RunningServer, room: string) {
    this.#running = running;
    this.#room = room;
  }

  /** Runs the steps one after the other. */
  async runInOrder(steps: readonly PresenceStep[]): Promise<void> {
    await this.#compareObservers(async () => {
      for (const step of steps) await this.#do(step, this.#client(step.client));
    }, (view) => {
      assertEquals(view.changes, this.#model.changes);
      assertEquals(view.present, sortEntries(this.#model.present));
    });
  }

  /** Runs each client's steps in order, and all clients concurrently. */
  async runConcurrently(steps: readonly PresenceStep[]): Promise<void> {
    await this.#compareObservers(async () => {
      await Promise.all(this.#clients.map(async (client, index) => {
        for (const step of steps) {
          if (step.client === index) await this.#do(step, client);
        }
      }));
    }, (view) => {
      for (const change of view.changes) {
        if (change.type !== "left") continue;
        assert(
          this.#normalCloses.has(change.entry.connection),
          `${change.entry.connection} was reported as left without a normal close`,
        );
      }
    });
  }

  async #compareObservers(
    act: () => Promise<void>,
    check: (view: PresenceReplica) => void,
  ): Promise<void> {
    await using v1 = await RoomClient.join(this.#running, this.#room, { user: "observer" });
    await using plain = await RoomClient.join(this.#running, this.#room, { user: "observer", plain: true });
    const observers = [v1, plain].map((client) => ({ client, view: new PresenceReplica() }));
    try {
      await act();
      for (const { client, view } of observers) {
        for (const frame of await client.takeAll()) {
          if (frame.type === "presence") view.apply(frame);
        }
      }
      await using fresh = await RoomClient.join(this.#running, this.#room, { user: "fresh" });
      const list = new PresenceReplica();
      list.apply(await fresh.next("presence"));
      for (const { view } of observers) {
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
          names: step.state > 1 ? "own" : "none",
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
        this.#normalCloses.add(connection);
        await member.request({ type: "presence", id: freshId(), state: null });
        return this.#model.leave(connection);
      default:
        return await this.#end(step.do, client, member);
    }
  }

  async #connect(
    client: Client,
    { resumes, names }: { resumes: boolean; names: NamedConnection },
  ): Promise<void> {
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

  #named(client: Client, names: NamedConnection): string | undefined {
    if (names === "none") return undefined;
    if (names === "own") return client.connection;
    const next = (this.#clients.indexOf(client) + 1) % this.#clients.length;
    return this.#clients[next]?.connection;
  }

  async #end(how: "close" | "lose" | "abort", client: Client, member: TcpMember): Promise<void> {
    const { connection = "" } = client;
    client.member = undefined;
    if (how === "close") this.#normalCloses.add(connection);
    if (how === "abort") await member[Symbol.asyncDispose]();
    else await member.close(how === "close" ? 1000 : 4000);
    await this.#untilClosed(connection);
    if (how === "close") this.#model.leave(connection);
    else this.#model.linger(connection, GRACE_MS);
  }

  /** Waits until the server has logged the close of a connection. */
  async #untilClosed(connection: string): Promise<void> {
    const isClose = (line: Readonly<Record<string, unknown>>) => line["socket"] === connection;
    for (let count = 0;;) {
      const closes = await this.#running.logged("socket.close", count);
      if (closes.some(isClose)) return;
      count = closes.length + 1;
    }
  }

  #client(index: number): Client {
    const client = this.#clients[index % this.#clients.length];
    assert(client);
    return client;
  }
}
