/** Rules of the supervisor, from docs/edge-host.md, one by one. */
import { assertEquals } from "@std/assert";
import { type EdgeLimits, HOSTED_LIMITS } from "../../tools/support/isolates/limits.ts";
import { type IsolateStatus, stepsDue, type Usage } from "../../tools/support/isolates/policy.ts";

const MIB = 1_048_576;

/** Returns the steps of a busy isolate without usage, except for the given fields. */
function steps(
  used: Partial<Usage>,
  status: Partial<Omit<IsolateStatus, "usage">> = {},
  limits: Partial<EdgeLimits> = {},
): string[] {
  const due = stepsDue({
    usage: { ageMs: 0, cpuMs: 0, memoryBytes: 0, ...used },
    isIdle: false,
    unanswered: 1,
    absentMs: 0,
    isRetired: false,
    isDrained: false,
    warned: new Set(),
    ...status,
  }, { ...HOSTED_LIMITS, ...limits });
  return due.map((step) => "reason" in step ? `${step.action} ${step.reason}` : step.action);
}

Deno.test("an isolate is retired at half of the wall clock", () => {
  assertEquals(steps({ ageMs: 199_999 }), []);
  assertEquals(steps({ ageMs: 200_000 }), ["retire wall_clock"]);
  assertEquals(steps({ ageMs: 200_000 }, { isRetired: true }), []);
});

Deno.test("an isolate is retired at the soft limit of CPU", () => {
  assertEquals(steps({ cpuMs: 999 }), []);
  assertEquals(steps({ cpuMs: 1_000 }), ["retire cpu"]);
});

Deno.test("drain comes once, when a retired isolate has answered everything", () => {
  assertEquals(steps({ ageMs: 200_000 }, { unanswered: 0 }), ["retire wall_clock", "drain"]);
  assertEquals(steps({}, { isRetired: true, unanswered: 0 }), ["drain"]);
  assertEquals(steps({}, { isRetired: true, unanswered: 0, isDrained: true }), []);
  assertEquals(steps({}, { unanswered: 0 }), []);
});

Deno.test("the warning comes at nine tenths of each limit, once", () => {
  const retired = { isRetired: true };
  assertEquals(steps({ ageMs: 359_999 }, retired), []);
  assertEquals(steps({ ageMs: 360_000 }, retired), ["warn wall_clock"]);
  assertEquals(steps({ cpuMs: 1_800 }, retired), ["warn cpu"]);
  assertEquals(steps({ memoryBytes: 231 * MIB }), ["warn memory"]);
  assertEquals(steps({ ageMs: 360_000 }, { ...retired, warned: new Set(["wall_clock"]) }), []);
  assertEquals(steps({ ageMs: 360_000, cpuMs: 1_800 }, retired), ["warn wall_clock", "warn cpu"]);
});

Deno.test("a limit that is reached is the end, whatever else is due", () => {
  assertEquals(steps({ ageMs: 400_000 }), ["kill wall_clock"]);
  assertEquals(steps({ cpuMs: 2_000, ageMs: 399_000 }), ["kill cpu"]);
  assertEquals(steps({ memoryBytes: 256 * MIB }), ["kill memory"]);
});

Deno.test("an idle isolate is dropped when it is retired, at half of its memory, or after a long absence", () => {
  const idle = { isIdle: true, unanswered: 0, isDrained: true };
  assertEquals(steps({}, idle), []);
  assertEquals(steps({}, { ...idle, isRetired: true }), ["warn early_drop"]);
  assertEquals(steps({ cpuMs: 1_000 }, idle), ["retire cpu", "warn early_drop"]);
  assertEquals(steps({ memoryBytes: 128 * MIB }, idle), ["retire early_drop", "warn early_drop"]);
  assertEquals(steps({}, { ...idle, absentMs: 5_000 }, { absentMs: 5_000 }), [
    "retire early_drop",
    "warn early_drop",
  ]);
  assertEquals(steps({}, { ...idle, isRetired: true, warned: new Set(["early_drop"]) }), []);
  assertEquals(steps({ memoryBytes: 128 * MIB }), []);
});
