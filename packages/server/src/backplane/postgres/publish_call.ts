import type { Draft, Ephemeral, Stored } from "../contract.ts";

/** One call of `publish` or `emit` that is not settled. */
export interface Call {
  readonly room: string;
  readonly drafts: readonly Draft[];
  /** Replaces the drafts: the call emits this message. */
  readonly ephemeral: Ephemeral | undefined;
  readonly stored: PromiseWithResolvers<readonly Stored[]>;
}

/** Counts the messages of a call. */
export function sizeOf({ drafts, ephemeral }: Pick<Call, "drafts" | "ephemeral">): number {
  return ephemeral ? 1 : drafts.length;
}

/** Lists the connections whose drafts a call stores. */
export function connectionsOf({ drafts }: Call): string[] {
  return drafts.flatMap(({ from }) => from.connection ?? []);
}

/** Rejects calls in their order. */
export function rejectAll(calls: readonly Call[], error: unknown): void {
  for (const { stored } of calls) stored.reject(error);
}
