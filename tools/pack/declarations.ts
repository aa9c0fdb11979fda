import ts from "typescript";

/** A declaration file. */
export interface Declaration {
  /** Relative to the folder of the sources, such as `room.d.ts`. */
  readonly path: string;
  readonly text: string;
}

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  strict: true,
  verbatimModuleSyntax: true,
  exactOptionalPropertyTypes: true,
  isolatedDeclarations: true,
};

/** Where a consumer's own `lib` need not have it: TypeScript has it since 5.2. */
const DISPOSABLE = { name: /\bAsyncDisposable\b|\basyncDispose\b/, lib: "esnext.disposable" };

/**
 * Declarations of modules and of everything that those mention, doc comments included. Each is made from its file alone, so no
 * package has to be there; the price is that every export must say its type. Imports of `./x.ts` become `./x.js`, which is what
 * both `nodenext` and `bundler` resolve.
 * @param folder Where the sources are, ending in a slash.
 * @param entries Paths in it, such as `mod.ts`.
 * @throws {Error} naming file and line of an export without a type
 */
export async function declarationsOf(folder: URL, entries: readonly string[]): Promise<Declaration[]> {
  const paths = new Set(entries);
  const declarations: Declaration[] = [];
  // A set hands out what is added while it is gone through.
  for (const path of paths) {
    const source = await Deno.readTextFile(new URL(path, folder));
    const declared = declare(path, source);
    for (const specifier of declared.imports) {
      paths.add(new URL(specifier, new URL(path, folder)).href.slice(folder.href.length));
    }
    declarations.push({ path: path.replace(/\.tsx?$/, ".d.ts"), text: declared.text });
  }
  return declarations.sort((one, other) => one.path < other.path ? -1 : 1);
}

/** One file's declarations, and the files that they mention. */
function declare(
  path: string,
  source: string,
): { readonly text: string; readonly imports: readonly string[] } {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(source, {
    fileName: path,
    reportDiagnostics: true,
    compilerOptions: OPTIONS,
  });
  const [first] = diagnostics;
  if (first) {
    throw new Error(`${path}${lineOf(first)}: ${ts.flattenDiagnosticMessageText(first.messageText, " ")}`);
  }
  const imports = relativeImports(outputText);
  const rewritten = imports.toReversed().reduce(
    (text, { at, specifier }) =>
      text.slice(0, at) + specifier.replace(/\.tsx?$/, ".js") + text.slice(at + specifier.length),
    outputText,
  );
  const reference = DISPOSABLE.name.test(rewritten) ? `/// <reference lib="${DISPOSABLE.lib}" />\n` : "";
  return { text: reference + rewritten, imports: imports.map(({ specifier }) => specifier) };
}

/** Where a declaration file names another file of ours, in order. */
function relativeImports(text: string): { readonly at: number; readonly specifier: string }[] {
  // The compiler's own scanner: a comment may well show an import.
  const { importedFiles } = ts.preProcessFile(text, true, true);
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith("."))
    .map(({ pos, fileName }) => ({ at: text.indexOf(fileName, pos), specifier: fileName }));
}

function lineOf({ file, start }: ts.Diagnostic): string {
  return file && start !== undefined ? `:${file.getLineAndCharacterOfPosition(start).line + 1}` : "";
}
