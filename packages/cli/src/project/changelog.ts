import { compareVersions } from "./version.ts";

/** Most lines of a summary; the rest is in the changelog itself. */
const MAX_LINES = 60;

/** Sections of the changelog after one version, up to another, newest first. */
export function changesBetween(changelog: string, from: string, to: string): string[] {
  const sections = changelog.split(/^(?=## )/m).filter((section) => {
    const version = section.match(/^## \[?v?(\d+\.\d+\.\d+)/)?.[1];
    return version !== undefined && compareVersions(version, from) > 0 && compareVersions(version, to) <= 0;
  });
  const lines = sections.join("").trimEnd().split("\n");
  if (lines.length <= MAX_LINES) return lines.filter((line, at) => line !== "" || at > 0);
  return [
    ...lines.slice(0, MAX_LINES),
    `… and ${lines.length - MAX_LINES} lines more in the package's CHANGELOG.md.`,
  ];
}
