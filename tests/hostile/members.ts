import type { TcpMember } from "../../tools/support/wire/tcp_member.ts";

/** Members that break off together at a test's end. (AsyncDisposableStack would do; Deno 2.1.4 has none.) */
export class Members implements AsyncDisposable {
  readonly #members: TcpMember[] = [];

  /** How many there are. */
  get size(): number {
    return this.#members.length;
  }

  /** Adds one. */
  add(member: TcpMember): TcpMember {
    this.#members.push(member);
    return member;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.#members) await member[Symbol.asyncDispose]();
  }
}

/** Does a job for each number from 0 to below `count`, so many at the same time. */
export async function forEach(
  count: number,
  atOnce: number,
  job: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < count) await job(next++);
  }));
}
