import { type EdgeLimits, RETIRED_AT, WARNED_AT } from "./limits.ts";

/** Why `beforeunload` is dispatched: `event.detail.reason`. */
export type UnloadReason = "wall_clock" | "cpu" | "memory" | "early_drop" | "termination";
/** Why an isolate gets no new requests. */
export type RetireReason = "wall_clock" | "cpu" | "early_drop" | "termination";
/** Why an isolate was killed; `asked`: by `kill()` of the host. */
export type KillReason = UnloadReason | "asked";

/** Resources that an isolate has used. */
export interface Usage {
  /** Since the import of the function began. */
  readonly ageMs: number;
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

/** How an isolate stands with its limits. */
export interface Standing {
  readonly usage: Usage;
  /** No request waits for its response, and no promise given to `waitUntil` is pending. Open sockets do not matter. */
  readonly looksIdle: boolean;
  /** Requests whose response is not complete. */
  readonly unanswered: number;
  /** How long ago the last response was complete. */
  readonly absentMs: number;
  readonly isRetired: boolean;
  /** True if the `drain` event was dispatched. */
  readonly isDrained: boolean;
  /** What it was warned of. */
  readonly warned: ReadonlySet<UnloadReason>;
}

/** What the supervisor does next. */
export type Step =
  | { readonly action: "retire"; readonly reason: RetireReason }
  | { readonly action: "drain" }
  | { readonly action: "warn"; readonly reason: UnloadReason }
  | { readonly action: "kill"; readonly reason: KillReason };

/** What is due now under the policy `per_worker`, in the order in which it is done. Each step is taken once. */
export function stepsDue(standing: Standing, limits: EdgeLimits): Step[] {
  const { usage, warned } = standing;
  const spent = [
    ["wall_clock", usage.ageMs / limits.wallMs],
    ["cpu", usage.cpuMs / limits.cpuHardMs],
    ["memory", usage.memoryBytes / limits.memoryBytes],
  ] as const;
  const over = spent.find(([, share]) => share >= 1);
  if (over) return [{ action: "kill", reason: over[0] }];

  const steps: Step[] = [];
  let isRetired = standing.isRetired;
  const retire = (reason: RetireReason) => {
    if (!isRetired) steps.push({ action: "retire", reason });
    isRetired = true;
  };
  const isCpuShort = usage.cpuMs >= limits.cpuSoftMs;
  if (isCpuShort) retire("cpu");
  if (usage.ageMs >= limits.wallMs * RETIRED_AT) retire("wall_clock");

  const isMemoryShort = usage.memoryBytes >= limits.memoryBytes / 2;
  const isInTheWay = isRetired || isMemoryShort || standing.absentMs >= limits.absentMs;
  const isDropped = isInTheWay && standing.looksIdle && !warned.has("early_drop");
  if (isDropped) retire("early_drop");

  if (isRetired && standing.unanswered === 0 && !standing.isDrained) steps.push({ action: "drain" });
  for (const [reason, share] of spent) {
    if (share >= WARNED_AT && !warned.has(reason)) steps.push({ action: "warn", reason });
  }
  if (isDropped) steps.push({ action: "warn", reason: "early_drop" });
  return steps;
}
