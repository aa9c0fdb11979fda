import type { TcpMember } from "../../tools/support/wire/tcp_member.ts";

/** Members that disconnect together at a test's end. Deno 2.1.4 has no AsyncDisposableStack. */
export class Members implements AsyncDisposable {
  readonly #members: TcpMember[] = [];

  /** Number of members. */
  get size(): number {
    return this.#members.length;
  }

  /** Adds a member and returns it. */
  add(member: TcpMember): TcpMember {
    this.#members.push(member);
    return member;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.#members) await member[Symbol.asyncDispose]();
  }
}

/** Runs a job for each index below `count`, `atOnce` at a time. */
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
