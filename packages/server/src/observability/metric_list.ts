/** Meaning of a metric, for Prometheus and for docs/operations.md. */
export interface MetricMeaning {
  readonly type: "gauge" | "counter" | "histogram";
  readonly help: string;
  /** Names of the labels; each has few values. */
  readonly labels?: readonly string[];
}

/** All metrics by name, without the prefix `realtime_`. Durations are in seconds. */
export const METRICS = {
  build_info: {
    type: "gauge",
    labels: ["version", "deno", "isolate"],
    help: "Always 1; the labels say what runs",
  },
  dependency_up: {
    type: "gauge",
    labels: ["dependency"],
    help: "1 if a system that the server needs answers, such as `backplane`; else 0",
  },
  isolate_age_seconds: { type: "gauge", help: "Time since the isolate started" },
  connections: { type: "gauge", help: "Open sockets and event streams" },
  rooms: { type: "gauge", help: "Rooms with members in this isolate" },
  members: { type: "gauge", help: "Members of rooms in this isolate" },
  connections_opened_total: { type: "counter", help: "Sockets and event streams opened" },
  connections_closed_total: {
    type: "counter",
    labels: ["code"],
    help: "Connections ended, by close code; codes that only clients choose are `other`",
  },
  handshake_seconds: {
    type: "histogram",
    labels: ["route"],
    help: "Time from a handshake's request to its answer 101; the count is that of admitted sockets",
  },
  http_request_seconds: {
    type: "histogram",
    labels: ["method", "route"],
    help: "Time from a request to its response, handshakes excluded",
  },
  http_responses_total: { type: "counter", labels: ["status"], help: "Responses, by status" },
  refusals_total: {
    type: "counter",
    labels: ["code"],
    help: "Requests and handshakes answered with a problem, by its code",
  },
  frames_received_total: { type: "counter", help: "Frames that members sent, refused ones included" },
  errors_total: { type: "counter", labels: ["code"], help: "`error` frames, by code" },
  published_total: { type: "counter", help: "Durable messages stored, without retries" },
  publish_ack_seconds: { type: "histogram", help: "Time from a member's durable publish to its ack" },
  emitted_total: { type: "counter", help: "Ephemeral messages sent" },
  deliveries_total: { type: "counter", help: "Messages and presence changes handed to recipients" },
  backplane_events_total: {
    type: "counter",
    labels: ["event"],
    help:
      "Connections to the backplane that were `connected` or `lost`, calls that `failed`, and notifications that were `ignored`",
  },
} as const satisfies Readonly<Record<string, MetricMeaning>>;

/** Name of a metric, without its prefix. */
export type MetricName = keyof typeof METRICS;
