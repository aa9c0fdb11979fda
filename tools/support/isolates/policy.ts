import { type EdgeLimits, RETIRED_AT, WARNED_AT } from "./limits.ts";

/** Reason of `beforeunload`: `event.detail.reason`. */
export type UnloadReason = "wall_clock" | "cpu" | "memory" | "early_drop" | "termination";
/** Reason of a retirement. */
export type RetireReason = "wall_clock" | "cpu" | "early_drop" | "termination";
/** Reason of a kill; `asked` means `kill()` of the host. */
export type KillReason = UnloadReason | "asked";

/** Resources that an isolate has used. */
export interface Usage {
  /** Time since the import of the function. */
  readonly ageMs: number;
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

/** Input of the policy. */
export interface IsolateStatus {
  readonly usage: Usage;
  /** True if no request and no promise of `waitUntil` is pending; open sockets do not count. */
  readonly isIdle: boolean;
  /** Number of requests without a complete response. */
  readonly unanswered: number;
  /** Time since the last complete response. */
  readonly absentMs: number;
  readonly isRetired: boolean;
  /** True if the `drain` event was dispatched. */
  readonly isDrained: boolean;
  /** Reasons of earlier warnings. */
  readonly warned: ReadonlySet<UnloadReason>;
}

/** Action of the supervisor. */
export type Step =
  | { readonly action: "retire"; readonly reason: RetireReason }
  | { readonly action: "drain" }
  | { readonly action: "warn"; readonly reason: UnloadReason }
  | { readonly action: "kill"; readonly reason: KillReason };

/** Returns the due steps of the policy `per_worker` in order. Each step is due only once. */
export function stepsDue(status: IsolateStatus, limits: EdgeLimits): Step[] {
  const { usage, warned } = status;
  const spent = [
    ["wall_clock", usage.ageMs / limits.wallMs],
    ["cpu", usage.cpuMs / limits.cpuHardMs],
    ["memory", usage.memoryBytes / limits.memoryBytes],
  ] as const;
  const over = spent.find(([, share]) => share >= 1);
  if (over) return [{ action: "kill", reason: over[0] }];

  const steps: Step[] = [];
  let isRetired = status.isRetired;
  const retire = (reason: RetireReason) => {
    if (!isRetired) steps.push({ action: "retire", reason });
    isRetired = true;
  };
  const isCpuShort = usage.cpuMs >= limits.cpuSoftMs;
  if (isCpuShort) retire("cpu");
  if (usage.ageMs >= limits.wallMs * RETIRED_AT) retire("wall_clock");

  const isMemoryShort = usage.memoryBytes >= limits.memoryBytes / 2;
  const isDispensable = isRetired || isMemoryShort || status.absentMs >= limits.absentMs;
  const isDropped = isDispensable && status.isIdle && !warned.has("early_drop");
  if (isDropped) retire("early_drop");

  if (isRetired && status.unanswered === 0 && !status.isDrained) steps.push({ action: "drain" });
  for (const [reason, share] of spent) {
    if (share >= WARNED_AT && !warned.has(reason)) steps.push({ action: "warn", reason });
  }
  if (isDropped) steps.push({ action: "warn", reason: "early_drop" });
  return steps;
}
