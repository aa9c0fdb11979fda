import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";
import { eventually } from "../../tools/support/eventually.ts";

/** Exported span, with attributes as pairs: an exporter may send a name twice. */
export interface ExportedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly kind: number;
  readonly attributes: readonly (readonly [name: string, value: string])[];
}

/** The part of OTLP's JSON that is read. */
interface Traces {
  readonly resourceSpans?: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[];
  }[];
}

interface RawSpan extends Omit<ExportedSpan, "attributes"> {
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

/** Kind of a span that a server opens for a request. */
const SERVER = 2;

/** Collector of OpenTelemetry data over HTTP: keeps everything that is exported to it. */
export class OtlpCollector implements AsyncDisposable {
  /** Bodies as they came, by path. */
  readonly bodies: { readonly path: string; readonly text: string }[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      this.bodies.push({ path: new URL(request.url).pathname, text: await request.text() });
      return Response.json({});
    });
  }

  /** Variables that make a Deno process export to this collector, at once. */
  get env(): Readonly<Record<string, string>> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_BLRP_SCHEDULE_DELAY: "50",
      OTEL_METRIC_EXPORT_INTERVAL: "100",
    };
  }

  /** Spans of requests so far. */
  get serverSpans(): readonly ExportedSpan[] {
    return this.bodies.filter(({ path }) => path === "/v1/traces").flatMap(({ text }) => {
      const { resourceSpans = [] }: Traces = JSON.parse(text);
      return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans).flatMap(({ spans }) => spans);
    }).filter(({ kind }) => kind === SERVER).map((span) => ({
      ...span,
      attributes: span.attributes.map(({ key, value }) => [key, String(Object.values(value)[0])] as const),
    }));
  }

  /** Waits for so many spans of requests, and for one export to each of these paths. */
  async received(spans: number, paths: readonly string[]): Promise<void> {
    await eventually(
      () => Promise.resolve(),
      () =>
        this.serverSpans.length >= spans &&
        paths.every((wanted) => this.bodies.some(({ path }) => path === wanted)),
      PATIENCE_MS,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
