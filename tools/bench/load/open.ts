import { DIALECTS } from "./dialect.ts";
import type { OpenJob, OpenResult } from "./job.ts";
import { Member } from "./member.ts";
import type { SocketLoop } from "./socket_loop.ts";

const OPEN_TIMEOUT_MS = 100_000;
const CLOSE_TIMEOUT_MS = 20_000;

/**
 * Opens a socket for each URL, `concurrency` at a time, and waits until each has joined or was
 * refused. Adds the joined members to `members`.
 */
export function open(loop: SocketLoop, members: Member[], job: OpenJob): OpenResult {
  const { urls, concurrency, dialect, mayFail = false } = job;
  const refused: Record<string, number> = {};
  const waiting = urls.values();
  let joined = 0;
  let settled = 0;
  const openNext = (): void => {
    const { value: url } = waiting.next();
    if (url === undefined) return;
    const onSettled = (member: Member, refusal?: string): void => {
      settled++;
      if (refusal === undefined) {
        joined++;
        members.push(member);
      } else {
        const reason = reasonOf(refusal);
        refused[reason] = (refused[reason] ?? 0) + 1;
      }
      openNext();
    };
    new Member(loop, { url, dialect: DIALECTS[dialect], mayFail, onSettled });
  };
  for (let count = 0; count < concurrency; count++) openNext();
  const missing = (): string => `${joined} of ${urls.length} sockets are in`;
  loop.runUntil(() => settled === urls.length, OPEN_TIMEOUT_MS, missing);
  return { joined, refused };
}

/** Closes all sockets and waits until the server has ended every connection. */
export function close(loop: SocketLoop, members: readonly Member[]): void {
  for (const member of members) if (!member.isGone) member.socket.close();
  const left = (): number => members.filter((member) => !member.isGone).length;
  loop.runUntil(() => left() === 0, CLOSE_TIMEOUT_MS, () => `${left()} sockets are still open`);
}

/** Status and code of a refusal, or the end of the connection. */
function reasonOf(refusal: string): string {
  const status = /HTTP\/1\.1 (\d{3})/.exec(refusal)?.[1];
  const code = /"code":"(\w+)"/.exec(refusal)?.[1];
  return status === undefined ? refusal.slice(0, 60) : code === undefined ? status : `${status} ${code}`;
}
