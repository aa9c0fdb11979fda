import type { Origin, RunReport } from "../report_file.ts";

/** Warnings about differing or unreliable conditions of the two runs. */
export function warnOf(before: RunReport, after: RunReport): string[] {
  const facts: [name: string, of: (run: RunReport) => string][] = [
    ["the processor", ({ machine }) => machine.processor],
    ["the number of cores", ({ machine }) => String(machine.cores)],
    ["the kernel", ({ machine }) => machine.kernel],
    ["the Deno that runs the bench", ({ machine }) => machine.driver],
    ["the measured Deno versions", ({ denoVersions }) => denoVersions.join(", ")],
    ["the bench itself", ({ bench }) => describeOrigin(bench)],
  ];
  const differing = facts.filter(([, of]) => of(before) !== of(after))
    .map(([name, of]) => `${name} differs: ${of(before)} in A, ${of(after)} in B`);
  return [...differing, ...warnOfRun("A", before), ...warnOfRun("B", after)];
}

/** Formats an origin, such as `commit a1b2c3d4e5f6` or `commit a1b2c3d4e5f6 with changes`. */
export function describeOrigin({ revision, isDirty }: Origin): string {
  if (revision === null) return "no commit";
  return `commit ${revision.slice(0, 12)}${isDirty ? " with changes" : ""}`;
}

function warnOfRun(name: "A" | "B", run: RunReport): string[] {
  const { measured, machine, loadBefore: [load = 0], load: lines } = run;
  const crowded = lines.filter(({ limit }) => limit === "processors").length;
  const limited = lines.filter(({ limit }) => limit === "load generator").length;
  return [
    ...(measured.revision !== null && measured.isDirty
      ? [`${name} is not the commit that it names: it had uncommitted changes`]
      : []),
    ...(load > machine.cores / 2
      ? [
        `the machine was busy at the start of ${name}: load average ${
          load.toFixed(1)
        } on ${machine.cores} cores`,
      ]
      : []),
    ...(crowded > 0
      ? [`in ${name} other processes used the processors in ${crowded} of ${lines.length} kinds of work`]
      : []),
    ...(limited > 0
      ? [`in ${name} the load generator was the limit in ${limited} of ${lines.length} kinds of work`]
      : []),
  ];
}
