/**
 * Finds promises that are neither awaited, returned, nor marked with `void` (part of `deno task
 * check`). deno lint has no such rule, and one unhandled rejection ends a process. The check does
 * not resolve packages, so it misses promises of library functions. It finds promises of this
 * project's functions and of the platform.
 */
import ts from "typescript";
import { listFiles } from "../support/list_files.ts";

const ROOT = new URL("../../", import.meta.url);
/** Every folder with code of this project. */
export const FOLDERS: readonly string[] = ["packages", "supabase/functions", "tools", "tests"];

/**
 * Lists the sources in folders below `root`.
 * @throws {Error} naming a folder without sources, because a typo would check nothing
 */
export async function listSources(root: URL, folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(folders.map(async (name) => {
    const folder = new URL(`${name}/`, root);
    const paths = (await listFiles(folder, ".ts")).filter((path) => !path.endsWith(".d.ts"));
    if (paths.length === 0) {
      throw new Error(`The folder ${name} has no TypeScript file; name another in FOLDERS.`);
    }
    return paths.map((path) => new URL(path, folder).pathname);
  }));
  return found.flat();
}

/** Finds floating promises in files; resolves with the place and source line of each. */
export async function findFloatingPromises(sources: readonly string[]): Promise<string[]> {
  const platform = await writePlatformTypes();
  try {
    const program = ts.createProgram([platform, ...sources], {
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      allowImportingTsExtensions: true,
      noEmit: true,
      lib: ["lib.esnext.d.ts"],
      strict: true,
      types: [],
    });
    return sources.flatMap((path) => {
      const source = program.getSourceFile(path);
      return source ? findInSource(program, source) : [`${path} could not be read`];
    });
  } finally {
    await Deno.remove(platform);
  }
}

/** Writes the types of Deno itself into a file that the compiler can read. */
async function writePlatformTypes(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["types"] }).output();
  const file = await Deno.makeTempFile({ suffix: ".d.ts" });
  await Deno.writeFile(file, stdout);
  return file;
}

function findInSource(program: ts.Program, source: ts.SourceFile): string[] {
  const checker = program.getTypeChecker();
  const found: string[] = [];
  function visit(node: ts.Node): void {
    if (ts.isExpressionStatement(node)) {
      for (const call of droppedCalls(node.expression)) {
        if (isCaught(call) || !isPromise(checker.getTypeAtLocation(call))) continue;
        const { line } = source.getLineAndCharacterOfPosition(call.getStart());
        found.push(`${source.fileName}:${line + 1} ${node.getText().split("\n")[0]}`);
      }
    }
    ts.forEachChild(node, visit);
  }
  visit(source);
  return found;
}

/** Calls in an expression with a value that is dropped together with the expression's value. */
function droppedCalls(expression: ts.Expression): ts.CallExpression[] {
  if (ts.isCallExpression(expression)) return [expression];
  if (ts.isParenthesizedExpression(expression)) return droppedCalls(expression.expression);
  if (ts.isConditionalExpression(expression)) {
    return [...droppedCalls(expression.whenTrue), ...droppedCalls(expression.whenFalse)];
  }
  if (!ts.isBinaryExpression(expression)) return [];
  switch (expression.operatorToken.kind) {
    case ts.SyntaxKind.AmpersandAmpersandToken:
    case ts.SyntaxKind.BarBarToken:
    case ts.SyntaxKind.QuestionQuestionToken:
      return droppedCalls(expression.right);
    case ts.SyntaxKind.CommaToken:
      return [...droppedCalls(expression.left), ...droppedCalls(expression.right)];
    default:
      return [];
  }
}

/** True for `promise.catch(…)`. */
function isCaught({ expression }: ts.CallExpression): boolean {
  return ts.isPropertyAccessExpression(expression) && expression.name.text === "catch";
}

/** True if a value of this type has a `then`, in any of its variants. */
function isPromise(type: ts.Type): boolean {
  const variants = type.isUnion() ? type.types : [type];
  return variants.some((variant) => variant.getProperty("then") !== undefined);
}

if (import.meta.main) {
  const sources = await listSources(ROOT, FOLDERS);
  const floating = await findFloatingPromises(sources);
  for (const place of floating) console.error(`Floating promise, add await, return or void: ${place}`);
  if (floating.length > 0) Deno.exit(1);
  console.log(`No floating promise in ${sources.length} files.`);
}
