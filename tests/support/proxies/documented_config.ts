import { readCodeBlock } from "../code_blocks.ts";

/** A text of a documented configuration, and the text that stands for it in a test. */
export type Replacement = readonly [from: string, to: string];

/**
 * Reads the configuration of docs/deploy.md in this language. Replaces only ports and paths.
 * @throws {Error} when a replaced value does not occur exactly once in the document
 */
export async function documentedConfig(
  language: string,
  replacements: readonly Replacement[],
): Promise<string> {
  const documented = await readCodeBlock("docs/deploy.md", (block) => block.language === language);
  return replacements.reduce((config, [from, to]) => {
    const parts = config.split(from);
    if (parts.length !== 2) {
      throw new Error(
        `docs/deploy.md: the ${language} block contains ${from} ${parts.length - 1} times, expected once.`,
      );
    }
    return parts.join(to);
  }, documented);
}
