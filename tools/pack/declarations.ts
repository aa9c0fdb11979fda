import { dirname, relative } from "node:path/posix";
import ts from "typescript";

/** A declaration file. */
interface Declaration {
  /** Path in the package, such as `room.d.ts` or `protocol/frames.d.ts`. */
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

/** Types that a consumer's `lib` may lack, and the library (since TypeScript 5.2) that has them. */
const DISPOSABLE = { name: /\bAsyncDisposable\b|\basyncDispose\b/, lib: "esnext.disposable" };

/**
 * Builds the declarations of modules and of every module that those mention, doc comments included.
 * Each comes from its file alone, so no package has to be installed; every export must state its
 * type. A folder beside the sources becomes a folder of the package: `../protocol/` is
 * `./protocol/` there. Imports of `./x.ts` become `./x.js`, which both `nodenext` and `bundler`
 * resolve.
 * @param folder Folder of the sources, ending in a slash.
 * @param entries Paths in it, such as `mod.ts`.
 * @throws {Error} naming file and line of an export without a type
 */
export async function declarationsOf(folder: URL, entries: readonly string[]): Promise<Declaration[]> {
  const modules = new Set(entries.map((path) => new URL(path, folder).href));
  const declarations: Declaration[] = [];
  // A set iterates over modules that are added meanwhile.
  for (const module of modules) {
    const path = packagePath(module, folder);
    const { outputText, diagnostics = [] } = ts.transpileDeclaration(
      await Deno.readTextFile(new URL(module)),
      { fileName: path, reportDiagnostics: true, compilerOptions: OPTIONS },
    );
    const [first] = diagnostics;
    if (first) {
      throw new Error(`${path}${lineOf(first)}: ${ts.flattenDiagnosticMessageText(first.messageText, " ")}`);
    }
    let text = outputText;
    // From the end, so that earlier positions stay.
    for (const { at, specifier } of relativeImports(outputText).toReversed()) {
      const target = new URL(specifier, module).href;
      modules.add(target);
      const rewritten = specifierOf(path, packagePath(target, folder));
      text = text.slice(0, at) + rewritten + text.slice(at + specifier.length);
    }
    const reference = DISPOSABLE.name.test(text) ? `/// <reference lib="${DISPOSABLE.lib}" />\n` : "";
    declarations.push({ path: path.replace(/\.tsx?$/, ".d.ts"), text: reference + text });
  }
  return declarations.sort((one, other) => one.path < other.path ? -1 : 1);
}

/** Path of a module in the package: relative to the sources, or to the folder that holds those. */
function packagePath(module: string, folder: URL): string {
  const base = module.startsWith(folder.href) ? folder : new URL("../", folder);
  return module.slice(base.href.length);
}

/** Specifier by which one module of the package imports another. */
function specifierOf(from: string, to: string): string {
  const path = relative(dirname(from), to).replace(/\.tsx?$/, ".js");
  return path.startsWith(".") ? path : `./${path}`;
}

/** Relative imports of a declaration file and their positions, in order. */
function relativeImports(text: string): { readonly at: number; readonly specifier: string }[] {
  // The compiler's own scanner ignores imports in comments.
  const { importedFiles } = ts.preProcessFile(text, true, true);
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith("."))
    .map(({ pos, fileName }) => ({ at: text.indexOf(fileName, pos), specifier: fileName }));
}

function lineOf({ file, start }: ts.Diagnostic): string {
  return file && start !== undefined ? `:${file.getLineAndCharacterOfPosition(start).line + 1}` : "";
}
