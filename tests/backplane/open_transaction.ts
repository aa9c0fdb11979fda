import type { TestDatabase } from "../../tools/support/postgres/database.ts";

/** A transaction that stays open until it is released. */
export interface OpenTransaction extends AsyncDisposable {
  release(): Promise<void>;
}

/** Runs a statement, and leaves its transaction open. */
export async function leaveOpen(sql: TestDatabase["sql"], statement: string): Promise<OpenTransaction> {
  const locked = Promise.withResolvers<void>();
  const unlock = Promise.withResolvers<void>();
  const transaction = sql.begin(async (opened) => {
    await opened.unsafe(statement);
    locked.resolve();
    await unlock.promise;
  });
  transaction.catch(locked.reject);
  await locked.promise;
  const release = async () => {
    unlock.resolve();
    await transaction;
  };
  return { release, [Symbol.asyncDispose]: release };
}
