import { Conditions } from "./conditions.ts";
import { EventCounts, type ProxyEvent } from "./event_counts.ts";
import type { Direction, PerDirection } from "./direction.ts";
import type { CutWay, Faults } from "./faults.ts";
import { ProxiedConnection } from "./proxied_connection.ts";
import type { SeenMessage } from "./seen_message.ts";
import type { SeenRequest } from "./seen_request.ts";
import { TcpSevering } from "./tcp_severing.ts";

/** Options of a proxy. */
interface FaultProxyOptions {
  /** Receives every WebSocket message and control frame, also one that a fault holds or drops. */
  readonly onMessage?: (message: SeenMessage) => void;
}

const HOSTNAME = "127.0.0.1";

/**
 * A TCP proxy in front of a server on this machine. The proxy forwards bytes unchanged, and fails
 * as a test demands. `await using` stops it and cuts its connections.
 */
export class FaultProxy implements AsyncDisposable {
  /** Port of the server; a change applies to new connections. */
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
  readonly #serving = new Set<Promise<void>>();
  readonly #defects: unknown[] = [];
  readonly #accepting: Promise<void>;
  #isRefusing = false;
  #isStopped = false;

  private constructor(serverPort: number, { onMessage = () => {} }: FaultProxyOptions) {
    this.serverPort = serverPort;
    this.#onMessage = onMessage;
    this.#listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
    this.#accepting = this.#accept();
  }

  /** Listens on a free port, for a server on `serverPort`. */
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

  /** Turns a path or a URL of the server into a URL of the proxy; a path becomes an `http:` URL. */
  url(address: string): string {
    const url = new URL(address, this.origin);
    url.hostname = HOSTNAME;
    url.port = String(this.port);
    return url.href;
  }

  /** True if `reset` cuts are TCP resets on this system; elsewhere they are like `fin`. */
  get canReset(): boolean {
    return this.#severing.canReset;
  }

  /** Connections that asked for a WebSocket, in the order of their requests. */
  get connections(): readonly ProxiedConnection[] {
    return this.#connections;
  }

  /** Requests in order, such as `GET /realtime/whoami?token=***`. */
  get requests(): readonly string[] {
    return this.#requests;
  }

  /** Sets the faults of the next WebSocket connections, one each; later connections are clean. */
  next(...faults: readonly Faults[]): void {
    this.#faults.push(...faults);
  }

  /** Sets the faults of the next plain HTTP requests, one each. */
  nextHttp(...faults: readonly Faults[]): void {
    this.#httpFaults.push(...faults);
  }

  /** Number of faults that no connection has used yet. */
  get faultsLeft(): number {
    return this.#faults.length;
  }

  /** Removes the faults for new connections, and the conditions for all connections. */
  heal(): void {
    this.#faults.length = this.#httpFaults.length = 0;
    this.allow();
    this.delay(0);
    this.throttle(Infinity);
    this.release();
  }

  /** Waits for the `number`-th WebSocket connection, from 1; rejects after `withinMs`. */
  async connection(number: number, withinMs?: number): Promise<ProxiedConnection> {
    await this.until("opened", number, withinMs);
    const connection = this.#connections[number - 1];
    if (!connection) throw new Error(`There is no connection ${number}.`);
    return connection;
  }

  /** Number of times an event has occurred, on all connections. */
  count(event: ProxyEvent): number {
    return this.#events.count(event);
  }

  /** Waits for `count` occurrences on all connections; rejects after `withinMs`. */
  async until(event: ProxyEvent, count?: number, withinMs?: number): Promise<void> {
    await this.#events.until(event, count, withinMs);
  }

  /** Cuts every open connection. */
  cutAll(way?: CutWay): void {
    for (const connection of this.#live) connection.cut(way);
  }

  /** Closes new connections, and open ones at their next request; sockets stay open. */
  refuse(): void {
    this.#isRefusing = true;
  }

  /** Accepts connections again. */
  allow(): void {
    this.#isRefusing = false;
  }

  /** Receives bytes and forwards none, on open and new connections, as for a phone in a tunnel. */
  hold(direction?: Direction): void {
    this.#conditions.hold(direction);
    this.#events.add("held");
    this.#wakeAll();
  }

  /** Forwards the bytes that `hold` kept back on all connections. */
  release(direction?: Direction): void {
    this.#conditions.release(direction);
    this.#events.add("released");
    this.#wakeAll();
  }

  /** Delays each new chunk by so many milliseconds, on every connection; the order stays. */
  delay(ms: PerDirection): void {
    this.#conditions.delay(ms);
  }

  /** Limits reading on each connection; 0 stops it, Infinity removes the limit. */
  throttle(bytesPerSecond: PerDirection): void {
    this.#conditions.throttle(bytesPerSecond);
    this.#wakeAll();
  }

  /** Stops the proxy; rejects if `onMessage` threw. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#listener.close();
    this.cutAll();
    await this.#accepting;
    await Promise.all(this.#serving);
    this.#severing[Symbol.dispose]();
    if (this.#defects.length > 0) throw new AggregateError(this.#defects, "A proxied connection failed.");
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      const serving = this.#serve(client)
        .catch((error: unknown) => void this.#defects.push(error))
        .finally(() => this.#serving.delete(serving));
      this.#serving.add(serving);
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    if (this.#isRefusing) {
      this.#severing.sever(client, "reset");
      return this.#events.add("refused");
    }
    const server = await Deno.connect({ hostname: HOSTNAME, port: this.serverPort }).catch(() => undefined);
    if (!server || this.#isStopped) {
      this.#severing.sever(client, "reset");
      server?.close();
      return this.#events.add("unreachable");
    }
    // Nagle's algorithm would hold a second piece back until the first is acknowledged.
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
