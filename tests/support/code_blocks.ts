/** A fenced block of a Markdown document. */
export interface CodeBlock {
  readonly language: string;
  readonly code: string;
}

/** The fenced code blocks of a document in the repository, in order. */
export async function readCodeBlocks(path: string): Promise<CodeBlock[]> {
  const text = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = "", code = ""]) => ({
    language,
    code,
  }));
}

/** The only block of a document for which `matches` holds; a document that changed its shape fails the test that asks. */
export async function readCodeBlock(path: string, matches: (block: CodeBlock) => boolean): Promise<string> {
  const found = (await readCodeBlocks(path)).filter(matches);
  const [block] = found;
  if (!block || found.length !== 1) {
    throw new Error(`${path}: ${found.length} blocks match, one was expected`);
  }
  return block.code;
}
