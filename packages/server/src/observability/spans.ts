/**
 * Spans of Deno's OpenTelemetry (`OTEL_DENO=true`). Deno publishes its API under the global symbols
 * of `@opentelemetry/api`, so that package is not needed. Without OpenTelemetry nothing is there.
 */
import { maskTokens } from "./mask_tokens.ts";

/** The part of a span that is used. */
interface Span {
  setAttribute(name: string, value: unknown): Span;
  updateName(name: string): Span;
}

/** The part of the API that is used. */
interface OpenTelemetry {
  readonly context?: { active(): { getValue(key: symbol): Span | undefined } };
  readonly trace?: { getTracer(name: string): { startSpan(name: string): Span } };
}

const API = Symbol.for("opentelemetry.js.api.1");
const SPAN_KEY = Symbol.for("OpenTelemetry Context Key SPAN");
const HIDES_TOKENS = Symbol("hides tokens");

function openTelemetry(): OpenTelemetry | undefined {
  return (globalThis as { readonly [API]?: OpenTelemetry })[API];
}

/**
 * Keeps tokens out of all spans of this process. Deno puts the whole address of a request into
 * `url.full` and `url.query` before the handler runs. A later value does not replace the first one,
 * but is exported beside it, so the method that sets attributes is wrapped. A second call does
 * nothing. `urlWithoutToken` returns an address without its token, undefined if it has none.
 */
export function hideTokensInSpans(urlWithoutToken: (url: string) => string | undefined): void {
  // A span that never ends is not exported; it shows the class of all spans.
  const span = openTelemetry()?.trace?.getTracer("realtime-edge").startSpan("probe");
  const spans = span && Object.getPrototypeOf(span) as Span & { [HIDES_TOKENS]?: boolean };
  if (!spans || spans[HIDES_TOKENS]) return;
  const { setAttribute } = spans;
  function withoutTokens(name: string, value: string): string {
    if (name === "url.full") return maskTokens(urlWithoutToken(value) ?? value);
    if (name === "url.query") return maskTokens((urlWithoutToken(`?${value}`) ?? `?${value}`).slice(1));
    return maskTokens(value);
  }
  spans.setAttribute = function (name, value) {
    return setAttribute.call(this, name, typeof value === "string" ? withoutTokens(name, value) : value);
  };
  spans[HIDES_TOKENS] = true;
}

/** Names the request's span by its route, if there is a span. */
export function nameSpan(method: string, route: () => string): void {
  const span = openTelemetry()?.context?.active().getValue(SPAN_KEY);
  if (!span) return;
  span.updateName(`${method} ${route()}`).setAttribute("http.route", route());
}
