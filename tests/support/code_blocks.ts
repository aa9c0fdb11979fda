/** Fenced code block of a Markdown document. */
export interface CodeBlock {
  readonly language: string;
  readonly code: string;
}

/** Reads the fenced code blocks of a document in the repository, in order. */
export async function readCodeBlocks(path: string): Promise<CodeBlock[]> {
  const text = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = "", code = ""]) => ({
    language,
    code,
  }));
}

/**
 * Reads the only code block of a document that matches.
 * @throws {Error} when none or several match, for example after a change of the document
 */
export async function readCodeBlock(path: string, matches: (block: CodeBlock) => boolean): Promise<string> {
  const found = (await readCodeBlocks(path)).filter(matches);
  const [block] = found;
  if (!block || found.length !== 1) {
    throw new Error(`${path}: ${found.length} blocks match, expected one`);
  }
  return block.code;
}
