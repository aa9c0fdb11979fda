/**
 * Finds promises that nobody awaits, returns, or marks with `void` (part of `deno task check`): deno lint has no such rule, and one
 * rejection that is forgotten ends a process. Packages are not resolved, so promises of library functions go unseen; our
 * own functions' and the platform's do not.
 */
import ts from "typescript";
import { listFiles } from "../support/list_files.ts";

const ROOT = new URL("../../", import.meta.url);
const FOLDERS = ["supabase/functions/realtime", "dev", "bench", "tests", "client", "playground"];

async function listSources(folder: URL): Promise<string[]> {
  const paths = (await listFiles(folder, ".ts")).filter((path) => !path.endsWith(".d.ts"));
  return paths.map((path) => new URL(path, folder).pathname);
}

/** The types of Deno itself, as a file that the compiler can read. */
async function writePlatformTypes(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["types"] }).output();
  const file = await Deno.makeTempFile({ suffix: ".d.ts" });
  await Deno.writeFile(file, stdout);
  return file;
}

/** Whether a value of this type has a `then`, in any of its variants. */
function isPromise(type: ts.Type): boolean {
  const variants = type.isUnion() ? type.types : [type];
  return variants.some((variant) => variant.getProperty("then") !== undefined);
}

function findFloating(program: ts.Program, source: ts.SourceFile): string[] {
  const checker = program.getTypeChecker();
  const found: string[] = [];
  function visit(node: ts.Node): void {
    if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression)) {
      const { expression } = node.expression;
      const isHandled = ts.isPropertyAccessExpression(expression) && expression.name.text === "catch";
      if (!isHandled && isPromise(checker.getTypeAtLocation(node.expression))) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        found.push(`${source.fileName}:${line + 1} ${node.getText().split("\n")[0]}`);
      }
    }
    ts.forEachChild(node, visit);
  }
  visit(source);
  return found;
}

const platform = await writePlatformTypes();
try {
  const sources = (await Promise.all(FOLDERS.map((folder) => listSources(new URL(`${folder}/`, ROOT)))))
    .flat();
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
  const floating = sources.flatMap((path) => {
    const source = program.getSourceFile(path);
    return source ? findFloating(program, source) : [`${path} could not be read`];
  });
  for (const place of floating) console.error(`Nobody awaits this promise: ${place}`);
  if (floating.length > 0) Deno.exit(1);
  console.log(`No floating promise in ${sources.length} files.`);
} finally {
  await Deno.remove(platform);
}
