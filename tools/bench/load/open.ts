import { DIALECTS } from "./dialect.ts";
import type { OpenJob } from "./job.ts";
import { Member } from "./member.ts";
import type { SocketLoop } from "./socket_loop.ts";

const TIMEOUT_MS = 60_000;

/** Opens a socket for each URL, `concurrency` at a time, and waits until all have joined. */
export function open(loop: SocketLoop, { urls, concurrency, dialect }: OpenJob): Member[] {
  const members: Member[] = [];
  const waiting = urls.values();
  let joined = 0;
  const openNext = (): void => {
    const { value: url } = waiting.next();
    if (url === undefined) return;
    const onJoined = (): void => {
      joined++;
      openNext();
    };
    members.push(new Member(loop, { url, dialect: DIALECTS[dialect], onJoined }));
  };
  for (let count = 0; count < concurrency; count++) openNext();
  const missing = (): string => `${urls.length - joined} of ${urls.length} sockets are not in`;
  loop.runUntil(() => joined === urls.length, TIMEOUT_MS, missing);
  return members;
}
