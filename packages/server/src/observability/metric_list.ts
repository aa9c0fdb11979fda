/** Meaning of a metric, for Prometheus and for docs/operations.md. */
export interface MetricMeaning {
  readonly type: "gauge" | "counter" | "histogram";
  readonly help: string;
  /** Names of the labels; each has few values. */
  readonly labels: readonly string[];
}

const gauge = (help: string, ...labels: string[]): MetricMeaning => ({ type: "gauge", help, labels });
const counter = (help: string, ...labels: string[]): MetricMeaning => ({ type: "counter", help, labels });
const histogram = (help: string, ...labels: string[]): MetricMeaning => ({ type: "histogram", help, labels });

/** All metrics by name, without the prefix `realtime_`. Durations are in seconds. */
export const METRICS = {
  build_info: gauge("Always 1; the labels say what runs", "version", "deno", "isolate"),
  dependency_up: gauge(
    "1 if a system that the server needs answers, such as `backplane`; else 0",
    "dependency",
  ),
  isolate_age_seconds: gauge("Time since the isolate started"),
  connections: gauge("Open sockets and event streams"),
  rooms: gauge("Rooms with members in this isolate"),
  members: gauge("Members of rooms in this isolate"),
  connections_opened_total: counter("Sockets and event streams opened"),
  connections_closed_total: counter(
    "Connections ended, by close code; codes that only clients choose are `other`",
    "code",
  ),
  handshake_seconds: histogram(
    "Time from a handshake's request to its answer 101; the count is that of admitted sockets",
    "route",
  ),
  http_request_seconds: histogram(
    "Time from a request to its response, handshakes excluded",
    "method",
    "route",
  ),
  http_responses_total: counter("Responses, by status", "status"),
  refusals_total: counter("Requests and handshakes answered with a problem, by its code", "code"),
  frames_received_total: counter("Frames that members sent, refused ones included"),
  errors_total: counter("`error` frames, by code", "code"),
  published_total: counter("Durable messages stored, without retries"),
  publish_ack_seconds: histogram("Time from a member's durable publish to its ack"),
  emitted_total: counter("Ephemeral messages sent"),
  deliveries_total: counter("Messages and presence changes handed to recipients"),
  backplane_events_total: counter(
    "Connections to the backplane that were `connected` or `lost`, calls that `failed`, and notifications that were `ignored`",
    "event",
  ),
};

/** Name of a metric, without its prefix. */
export type MetricName = keyof typeof METRICS;
