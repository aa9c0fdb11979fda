import type { Page, PageRequest } from "./contract.ts";

/**
 * Computes `more` of a page. Its messages decide and not the limit of the request, since a page is
 * bounded in bytes too.
 */
export function hasMore(request: PageRequest, { head, first, messages }: Omit<Page, "more">): boolean {
  if ("since" in request) return (messages.at(-1)?.offset ?? head) < head;
  if ("after" in request) return Math.max(request.after, first - 1, messages.at(-1)?.offset ?? 0) < head;
  return Math.min(messages[0]?.offset ?? request.before, head + 1) > first;
}
