/** A file of a package. */
export interface PackageFile {
  /** Path in the package, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** Leaves a vendored copy out of formatting and lint. Begins each file of code. */
export const UNCHECKED = "// deno-fmt-ignore-file\n// deno-lint-ignore-file\n/* eslint-disable */\n";

/** Writes a package into a folder and removes everything else from it. */
export async function writePackage(folder: URL, files: readonly PackageFile[]): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  for (const { path, text } of files) {
    const file = new URL(path, folder);
    await Deno.mkdir(new URL(".", file), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
}

/** Reads files of the repository for a package, by their path there. */
export async function repositoryFiles(
  paths: Readonly<Record<string, string>>,
): Promise<PackageFile[]> {
  return await Promise.all(
    Object.entries(paths).map(async ([path, source]) => ({
      path,
      text: withoutOuterLinks(path, await Deno.readTextFile(new URL(`../../${source}`, import.meta.url))),
    })),
  );
}

/** Makes links to pages that are not in the package text. */
function withoutOuterLinks(path: string, text: string): string {
  return path.endsWith(".md") ? text.replace(/\[([^\]]+)\]\((?!https?:|#)[^)]*\)/g, "$1") : text;
}
