/** Neighbouring comment lines, or one block comment. */
interface Comment {
  /** First line in the file, from 1. */
  readonly line: number;
  /** Source lines. */
  readonly lines: readonly string[];
  /** Text without comment marks and code examples. */
  readonly text: string;
}

/** Finds the comments of TypeScript, JavaScript or SQL on their own lines. */
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
    // A tag, a list item and an empty line start a sentence.
    .replace(/\n(?=@|- |\n)/g, ".\n")
    .replace(/@\w+ (\{[^}]*\} )?/g, "");
}

/** Prose of a Markdown document, without code, tables, headings, pictures and link targets. */
export function proseOf(markdown: string): string {
  return markdown.replace(/```[\s\S]*?```/g, "")
    .replace(/<[^>]*>/g, "")
    .replace(/^(#|\|| {4}).*$/gm, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\n\s*([-*]|\d+\.)\s+/g, ".\n")
    .replace(/\n\s*\n/g, ".\n");
}

/** Sentences of a text; a code span counts as one word. */
export function sentencesOf(text: string): string[] {
  return text.replace(/`[^`\n]*`/g, "code").replace(/\b(e\.g|i\.e|vs)\./g, "$1")
    .split(/[.!?](?=\s|\*|$)/)
    .map((sentence) => sentence.replace(/[*_]{2,}/g, "").replace(/\s+/g, " ").trim())
    .filter((sentence) => /\w/.test(sentence));
}
