/** W3C Trace Context, version 00: trace, parent, flags. */
const TRACE_PARENT = /^00-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/** Reads the `traceparent` of the caller, for the log. Undefined without a valid one. */
export function traceParent({ headers }: Request): string | undefined {
  const value = headers.get("traceparent");
  return value !== null && TRACE_PARENT.test(value) ? value : undefined;
}
