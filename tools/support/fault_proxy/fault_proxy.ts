import { Conditions } from "./conditions.ts";
import { EventCounts, type ProxyEvent } from "./event_counts.ts";
import type { CutWay, Direction, Faults, PerDirection } from "./faults.ts";
import { ProxiedConnection } from "./proxied_connection.ts";
import type { SeenMessage } from "./seen_message.ts";
import type { SeenRequest } from "./seen_request.ts";
import { TcpSevering } from "./tcp_severing.ts";

/** What a test may have different. */
export interface FaultProxyOptions {
  /** Told of every WebSocket message and control frame as it comes in, those too that a fault keeps from going on. */
  readonly onMessage?: (message: SeenMessage) => void;
}

const HOSTNAME = "127.0.0.1";

/**
 * A TCP proxy in front of a server on this machine that lets bytes through unchanged, and lets the network fail as a test says.
 * `await using` stops it; connections that are left are cut then.
 */
export class FaultProxy implements AsyncDisposable {
  /** Of the server; another one holds for connections that are made from then on. */
  serverPort: number;
  readonly #listener: Deno.TcpListener;
  readonly #onMessage: (message: SeenMessage) => void;
  readonly #severing = new TcpSevering();
  readonly #conditions = new Conditions();
  readonly #events = new EventCounts();
  readonly #live = new Set<ProxiedConnection>();
  readonly #connections: ProxiedConnection[] = [];
  readonly #requests: string[] = [];
  readonly #faults: Faults[] = [];
  readonly #httpFaults: Faults[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #defects: unknown[] = [];
  readonly #accepting: Promise<void>;
  #isRefusing = false;
  #isOver = false;

  private constructor(serverPort: number, { onMessage = () => {} }: FaultProxyOptions) {
    this.serverPort = serverPort;
    this.#onMessage = onMessage;
    this.#listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
    this.#accepting = this.#accept();
  }

  /** Listens on a free port, for a server on another one. */
  static start(serverPort: number, options: FaultProxyOptions = {}): FaultProxy {
    return new FaultProxy(serverPort, options);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Such as `http://127.0.0.1:43121`. */
  get origin(): string {
    return `http://${HOSTNAME}:${this.port}`;
  }

  /** A path, or an address of the server, as an address of the proxy; the scheme stays, and is `http:` for a path. */
  url(address: string): string {
    const url = new URL(address, this.origin);
    url.hostname = HOSTNAME;
    url.port = String(this.port);
    return url.href;
  }

  /** Whether `reset` cuts are TCP resets here; elsewhere they are like `fin`. */
  get canReset(): boolean {
    return this.#severing.canReset;
  }

  /** Every connection that asked for a WebSocket, in the order in which they did. */
  get connections(): readonly ProxiedConnection[] {
    return this.#connections;
  }

  /** Every request, such as `GET /realtime/whoami?token=***`, in order. */
  get requests(): readonly string[] {
    return this.#requests;
  }

  /** Faults for the next connections that ask for a WebSocket, one each; those after them are clean. */
  next(...faults: readonly Faults[]): void {
    this.#faults.push(...faults);
  }

  /** Faults for the next plain HTTP requests, one each. */
  nextHttp(...faults: readonly Faults[]): void {
    this.#httpFaults.push(...faults);
  }

  /** Faults that no connection has got yet. */
  get faultsLeft(): number {
    return this.#faults.length;
  }

  /** From now on nothing faulty is left for new connections, and nothing holds for all of them. */
  heal(): void {
    this.#faults.length = this.#httpFaults.length = 0;
    this.allow();
    this.delay(0);
    this.throttle(Infinity);
    this.release();
  }

  /** The `number`-th connection that asks for a WebSocket, from 1; waits for it, and rejects when it takes longer than `withinMs`. */
  async connection(number: number, withinMs?: number): Promise<ProxiedConnection> {
    await this.until("opened", number, withinMs);
    const connection = this.#connections[number - 1];
    if (!connection) throw new Error(`There is no connection ${number}.`);
    return connection;
  }

  /** How often something has happened, on any connection. */
  count(event: ProxyEvent): number {
    return this.#events.count(event);
  }

  /** Waits until something has happened `count` times in all; rejects when that takes longer than `withinMs`. */
  async until(event: ProxyEvent, count?: number, withinMs?: number): Promise<void> {
    await this.#events.until(event, count, withinMs);
  }

  /** Breaks off every connection that there is. */
  cutAll(way?: CutWay): void {
    for (const connection of this.#live) connection.cut(way);
  }

  /** Closes new connections at once, and those that ask for something more; what is there already goes on. */
  refuse(): void {
    this.#isRefusing = true;
  }

  /** Takes connections again. */
  allow(): void {
    this.#isRefusing = false;
  }

  /** On every connection, new ones too, takes bytes and lets nothing go on, as for a phone in a tunnel. */
  hold(direction?: Direction): void {
    this.#conditions.hold(direction);
    this.#events.add("held");
    this.#wakeAll();
  }

  /** Lets everything that was held for all connections go on. */
  release(direction?: Direction): void {
    this.#conditions.release(direction);
    this.#events.add("released");
    this.#wakeAll();
  }

  /** Keeps each chunk that comes from now on back for so many milliseconds, on every connection; the order stays. */
  delay(ms: PerDirection): void {
    this.#conditions.delay(ms);
  }

  /** Reads no faster than so many bytes a second, on each connection; 0 stops reading, Infinity lifts it. */
  throttle(bytesPerSecond: PerDirection): void {
    this.#conditions.throttle(bytesPerSecond);
    this.#wakeAll();
  }

  /** Stops, once; rejects when `onMessage` threw. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.close();
    this.cutAll();
    await this.#accepting;
    await Promise.all(this.#underWay);
    this.#severing[Symbol.dispose]();
    if (this.#defects.length > 0) throw new AggregateError(this.#defects, "A proxied connection failed.");
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      const serving = this.#serve(client)
        .catch((error: unknown) => void this.#defects.push(error))
        .finally(() => this.#underWay.delete(serving));
      this.#underWay.add(serving);
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    if (this.#isRefusing) {
      this.#severing.sever(client, "reset");
      return this.#events.add("refused");
    }
    const server = await Deno.connect({ hostname: HOSTNAME, port: this.serverPort }).catch(() => undefined);
    if (!server || this.#isOver) {
      this.#severing.sever(client, "reset");
      server?.close();
      return this.#events.add("unreachable");
    }
    // Otherwise what is sent in two pieces would wait for an answer to the first.
    client.setNoDelay();
    server.setNoDelay();
    const connection = new ProxiedConnection({
      client,
      server,
      severing: this.#severing,
      conditions: this.#conditions,
      faultsFor: (head, connection) => this.#faultsFor(head, connection),
      onEvent: (event) => this.#events.add(event),
      onMessage: this.#onMessage,
    });
    this.#live.add(connection);
    try {
      await connection.run();
    } finally {
      this.#live.delete(connection);
    }
  }

  #faultsFor({ method, target, isUpgrade }: SeenRequest, connection: ProxiedConnection): Faults {
    this.#requests.push(`${method} ${target}`);
    if (isUpgrade) this.#connections.push(connection);
    if (this.#isRefusing) return { refuse: true };
    return (isUpgrade ? this.#faults : this.#httpFaults).shift() ?? {};
  }

  #wakeAll(): void {
    for (const connection of this.#live) connection.wake();
  }
}
