import type { Change, WantedFile } from "./project/change_set.ts";

/** Outcome of a command: printed as text, or as one JSON object with `--json`. */
export interface Report {
  readonly exitCode: number;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Words for changes; a dry run has not made them. */
const DONE = { create: "created", replace: "changed", remove: "removed", unchanged: "unchanged" } as const;
const PLANNED = {
  create: "would create",
  replace: "would change",
  remove: "would remove",
  unchanged: "unchanged",
} as const;

/** Lists the files that change, one a line. */
export function changeLines(changes: readonly Change[], dryRun: boolean): string[] {
  const words = dryRun ? PLANNED : DONE;
  return changes.filter(({ kind }) => kind !== "unchanged").map((change) =>
    `${words[change.kind]} ${change.path}`
  );
}

/** Changes as JSON: paths and kinds, without contents. */
export function changesAsJson(changes: readonly Change[]): Pick<Change, "path" | "kind">[] {
  return changes.map(({ path, kind }) => ({ path, kind }));
}

/** Number of lines of files that are written. */
export function countLines(files: readonly WantedFile[]): number {
  return files.reduce((sum, { content = "" }) => sum + content.split("\n").length - 1, 0);
}
