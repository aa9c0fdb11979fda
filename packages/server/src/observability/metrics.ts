import { CLIENT_CLOSE, CLOSE_MEANINGS } from "../../../protocol/close_codes.ts";
import { BoundedMap } from "./bounded_map.ts";
import { Histogram } from "./histogram.ts";
import { type Labels, renderMetrics, type Sample } from "./metrics_text.ts";

/** State of this moment, beside the counts. */
export interface MetricsState {
  readonly build: Labels;
  /** Systems that the server needs, with 1 for those that answer. */
  readonly dependencies: readonly { readonly name: string; readonly up: 0 | 1 }[];
  readonly isolateAgeSeconds: number;
  readonly connections: number;
  readonly rooms: number;
  readonly members: number;
}

/**
 * Counts of one isolate since its start. Plain numbers, because the hot path counts. Peers choose
 * no label's value: close codes, methods and routes are those that the server knows.
 */
export class Metrics {
  /** Opened sockets and event streams. */
  connectionsOpened = 0;
  /** Frames from members, refused ones included. */
  framesReceived = 0;
  /** Durable messages that members and HTTP requests stored, without retries. */
  published = 0;
  /** Ephemeral messages that members and HTTP requests sent. */
  emitted = 0;
  /** Messages and presence changes handed to sockets, one for each recipient. */
  deliveries = 0;
  /** Time from a member's durable publish to its ack. */
  readonly publishAck = new Histogram();
  readonly #closes = new Counts("code");
  readonly #errors = new Counts("code");
  readonly #refusals = new Counts("code");
  readonly #statuses = new Counts("status");
  readonly #backplaneEvents = new Counts("event");
  readonly #handshakes = new BoundedMap((route) => ({ labels: { route }, durations: new Histogram() }));
  /** Durations by route; a route has few methods. */
  readonly #requests = new BoundedMap((route) => ({ route, byMethod: new Map<string, Histogram>() }));

  /** Counts the end of a connection by its close code. */
  closed(code: number): void {
    this.#closes.add(isKnownClose(code) ? String(code) : "other");
  }

  /** Counts an `error` frame by its code. */
  erred(code: string): void {
    this.#errors.add(code);
  }

  /** Counts a problem that a request or handshake was answered with. */
  refused(code: string): void {
    this.#refusals.add(code);
  }

  /** Counts an event of the backplane. */
  backplaneEvent(event: string): void {
    this.#backplaneEvents.add(event);
  }

  /** Counts an admitted socket. `route` is a pattern. */
  admitted(route: string, ms: number): void {
    this.#statuses.add("101");
    this.#handshakes.get(route).durations.observe(ms);
  }

  /** Counts an HTTP response. `route` is a pattern, and `method` a known one. */
  responded(status: number, method: string, route: string, ms: number): void {
    this.#statuses.add(String(status));
    const { byMethod } = this.#requests.get(route);
    let durations = byMethod.get(method);
    if (!durations) byMethod.set(method, durations = new Histogram());
    durations.observe(ms);
  }

  /** Renders everything in Prometheus' text format. */
  text(state: MetricsState): string {
    const one = (value: number): Sample[] => [{ value }];
    return renderMetrics({
      build_info: [{ labels: state.build, value: 1 }],
      dependency_up: state.dependencies.map(({ name, up }) => ({ labels: { dependency: name }, value: up })),
      isolate_age_seconds: one(state.isolateAgeSeconds),
      connections: one(state.connections),
      rooms: one(state.rooms),
      members: one(state.members),
      connections_opened_total: one(this.connectionsOpened),
      connections_closed_total: this.#closes.samples(),
      handshake_seconds: [...this.#handshakes.values()].flatMap(({ labels, durations }) =>
        durations.samples(labels)
      ),
      http_request_seconds: [...this.#requests.values()].flatMap(({ route, byMethod }) =>
        [...byMethod].flatMap(([method, durations]) => durations.samples({ method, route }))
      ),
      http_responses_total: this.#statuses.samples(),
      refusals_total: this.#refusals.samples(),
      frames_received_total: one(this.framesReceived),
      errors_total: this.#errors.samples(),
      published_total: one(this.published),
      publish_ack_seconds: this.publishAck.samples(),
      emitted_total: one(this.emitted),
      deliveries_total: one(this.deliveries),
      backplane_events_total: this.#backplaneEvents.samples(),
    });
  }
}

/** Counts by the value of one label. */
class Counts {
  readonly #counts = new BoundedMap((value) => ({ value, count: 0 }));
  readonly #label: string;

  constructor(label: string) {
    this.#label = label;
  }

  add(value: string): void {
    this.#counts.get(value).count += 1;
  }

  samples(): Sample[] {
    return Array.from(this.#counts.values(), ({ value, count }) => ({
      labels: { [this.#label]: value },
      value: count,
    }));
  }
}

/** True for codes of the server, of its clients, and of RFC 6455: at most 30 in all. */
function isKnownClose(code: number): boolean {
  return code >= 1000 && code <= 1015 || code === CLIENT_CLOSE.replaced || code in CLOSE_MEANINGS;
}
