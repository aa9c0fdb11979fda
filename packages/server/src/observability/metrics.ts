/** Counters of one isolate since its start. Plain numbers, because the hot path counts. */
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
  readonly #closes = new Map<number, number>();
  readonly #errors = new Map<string, number>();
  readonly #responses = new Map<number, number>();

  /** Counts the end of a connection by its close code. */
  closed(code: number): void {
    increment(this.#closes, code);
  }

  /** Counts an `error` frame by its code. */
  erred(code: string): void {
    increment(this.#errors, code);
  }

  /** Counts an HTTP response by its status. */
  responded(status: number): void {
    increment(this.#responses, status);
  }

  /** Renders the counters and the current gauges in Prometheus' text format. */
  text(now: Readonly<Record<"connections" | "rooms" | "members" | "ageSeconds", number>>): string {
    return [
      ...single("connections", "gauge", "Open sockets and event streams", now.connections),
      ...single("rooms", "gauge", "Rooms with members in this isolate", now.rooms),
      ...single("members", "gauge", "Members of rooms in this isolate", now.members),
      ...single("isolate_age_seconds", "gauge", "How long this isolate has been up", now.ageSeconds),
      ...single("connections_opened_total", "counter", "Connections opened", this.connectionsOpened),
      ...labelled("connections_closed_total", "Connections ended, by close code", "code", this.#closes),
      ...single("frames_received_total", "counter", "Frames that members sent", this.framesReceived),
      ...single("published_total", "counter", "Durable messages stored", this.published),
      ...single("emitted_total", "counter", "Ephemeral messages sent", this.emitted),
      ...single("deliveries_total", "counter", "Frames handed to recipients", this.deliveries),
      ...labelled("errors_total", "Error frames, by code", "code", this.#errors),
      ...labelled("http_responses_total", "HTTP responses, by status", "status", this.#responses),
      "",
    ].join("\n");
  }
}

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP realtime_${name} ${help}.`, `# TYPE realtime_${name} ${type}`];
}

function single(name: string, type: string, help: string, value: number): string[] {
  return [...head(name, type, help), `realtime_${name} ${value}`];
}

/** Renders one line per label. The keys are our own codes, so none needs escaping. */
function labelled(
  name: string,
  help: string,
  label: string,
  counts: ReadonlyMap<number | string, number>,
): string[] {
  const lines = [...counts].map(([key, count]) => `realtime_${name}{${label}="${key}"} ${count}`);
  return [...head(name, "counter", help), ...lines];
}
