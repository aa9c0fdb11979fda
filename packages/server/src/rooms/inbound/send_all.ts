import type { Stored } from "../../backplane/contract.ts";
import { type Outgoing, send, type SendDeps } from "./send.ts";

/**
 * Hands messages to the backplane in their order, with one call for durable messages that follow
 * each other. Resolves with one result per message; undefined for an ephemeral one.
 * @throws {BackplaneUnavailable} as a rejection; a retry with the same ids stores nothing twice
 */
export async function sendAll(
  key: string,
  messages: readonly Outgoing[],
  deps: SendDeps,
): Promise<readonly (Stored | undefined)[]> {
  // No call waits for the one before: the backplane keeps their order.
  const results = await Promise.all(
    runsOf(messages).map(async (run) => {
      const [first] = run;
      if (first?.ephemeral) return [await send(key, first, deps)];
      const stored = await deps.backplane.publish(
        key,
        run.map(({ id, event, data, from }) => ({ id, event, data, from })),
      );
      deps.metrics.published += stored.filter(({ duplicate }) => !duplicate).length;
      return stored;
    }),
  );
  return results.flat();
}

/** Splits messages: each ephemeral one by itself, durable ones together. */
function runsOf(messages: readonly Outgoing[]): Outgoing[][] {
  const runs: Outgoing[][] = [];
  for (const message of messages) {
    const run = runs.at(-1);
    if (run && !message.ephemeral && !run[0]?.ephemeral) run.push(message);
    else runs.push([message]);
  }
  return runs;
}
