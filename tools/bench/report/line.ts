import { z } from "zod";
import { pairedRatios, spreadOf } from "./spread.ts";

const spread = z.object({ median: z.number(), min: z.number(), max: z.number() }).readonly();

/** Measured figure beside its peer's, with the target of their ratio, as the JSON has it. */
export const lineSchema = z.object({
  deno: z.string(),
  figure: z.string(),
  unit: z.string(),
  ours: spread,
  /** Name of the peer, with its version. */
  peerName: z.string(),
  peer: spread,
  /** Ours divided by the peer's, per round. */
  ratio: spread,
  /** Largest allowed ratio; undefined if more is better, and for an informational line. */
  target: z.number().optional(),
  /** Smallest allowed ratio, if more is better. */
  atLeast: z.number().optional(),
  met: z.boolean().optional(),
  /** True if the load generator always had work while a server left its core idle. */
  isLoadLimited: z.boolean().optional(),
}).readonly();
export type Line = z.infer<typeof lineSchema>;

/** Samples of a figure per round, before the summary. */
export interface Measured {
  readonly figure: string;
  readonly unit: string;
  readonly ours: readonly number[];
  readonly peerName: string;
  readonly peer: readonly number[];
  readonly target?: number | undefined;
  readonly atLeast?: number | undefined;
  /** True if every round has to meet the target, not only the median. */
  readonly everyRound?: boolean;
  readonly isLoadLimited?: boolean;
}

/** Summarises one figure and judges it by its target. */
export function toLine(
  deno: string,
  { everyRound = false, isLoadLimited = false, ...figure }: Measured,
): Line {
  const { target, atLeast, ours, peer, ...named } = figure;
  const ratio = spreadOf(pairedRatios(ours, peer));
  return {
    deno,
    ...named,
    ours: spreadOf(ours),
    peer: spreadOf(peer),
    ratio,
    ...(target === undefined ? {} : { target, met: (everyRound ? ratio.max : ratio.median) <= target }),
    ...(atLeast === undefined ? {} : { atLeast, met: (everyRound ? ratio.min : ratio.median) >= atLeast }),
    ...(isLoadLimited ? { isLoadLimited } : {}),
  };
}

/** Formats a target, such as `≤ 1.10`; empty for an informational line. */
export function targetText({ target, atLeast }: Line): string {
  if (target !== undefined) return `≤ ${target.toFixed(2)}`;
  return atLeast !== undefined ? `≥ ${atLeast.toFixed(2)}` : "";
}
