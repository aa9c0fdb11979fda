/** Names of this machine that a browser cannot be made to resolve to another one. */
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/**
 * Refuses a request whose `Host` is not this machine. A web page can point a name of its own at
 * 127.0.0.1 (DNS rebinding), and could then read tokens from `/dev/token`.
 */
export function refuseOtherHost(request: Request): Response | undefined {
  // HTTP/2 has no Host header; its authority is in the address.
  const host = request.headers.get("host") ?? new URL(request.url).host;
  if (LOCAL_HOST.test(host)) return undefined;
  return new Response("The dev server answers requests to localhost, 127.0.0.1 and [::1] only.\n", {
    status: 403,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
  });
}
