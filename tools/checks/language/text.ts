/** Neighbouring comment lines, or one block comment. */
export interface Comment {
  /** Line of the file that it begins at, from 1. */
  readonly line: number;
  /** The lines as they are written. */
  readonly lines: readonly string[];
  /** The words, without marks and examples of code. */
  readonly text: string;
}

/** Reads the comments of TypeScript, JavaScript or SQL that stand on lines of their own. */
export function commentsOf(source: string): Comment[] {
  const comments: Comment[] = [];
  const lines = source.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const from = at;
    const first = lines[at]?.trim() ?? "";
    if (first.startsWith("/*")) {
      while (at < lines.length - 1 && !lines[at]?.includes("*/")) at++;
    } else if (isLineComment(first)) {
      while (isLineComment(lines[at + 1]?.trim() ?? "")) at++;
    } else continue;
    const written = lines.slice(from, at + 1);
    comments.push({ line: from + 1, lines: written, text: wordsOf(written) });
  }
  return comments;
}

function isLineComment(line: string): boolean {
  return /^(\/\/|--) /.test(line) && !/^\/\/ deno-/.test(line);
}

function wordsOf(lines: readonly string[]): string {
  return lines.map((line) => line.trim().replace(/^(\/\*\*?|\*\/|\*|\/\/|--)\s?/, "").replace(/\s*\*\/$/, ""))
    .join("\n")
    .replace(/^@example[\s\S]*/m, "")
    .replace(/```[\s\S]*?```/g, "")
    // A tag, an item and an empty line begin a sentence.
    .replace(/\n(?=@|- |\n)/g, ".\n")
    .replace(/@\w+ (\{[^}]*\} )?/g, "");
}

/** The prose of a Markdown document: without code, tables, headings, pictures and the addresses of links. */
export function proseOf(markdown: string): string {
  return markdown.replace(/```[\s\S]*?```/g, "")
    .replace(/<[^>]*>/g, "")
    .replace(/^(#|\|| {4}).*$/gm, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\n\s*([-*]|\d+\.)\s+/g, ".\n")
    .replace(/\n\s*\n/g, ".\n");
}

/** The sentences of a text. A code span counts as a word. */
export function sentencesOf(text: string): string[] {
  return text.replace(/`[^`\n]*`/g, "code").replace(/\b(e\.g|i\.e|vs)\./g, "$1")
    .split(/[.!?](?=\s|\*|$)/)
    .map((sentence) => sentence.replace(/[*_]{2,}/g, "").replace(/\s+/g, " ").trim())
    .filter((sentence) => /\w/.test(sentence));
}
