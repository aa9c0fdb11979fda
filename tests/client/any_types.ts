import ts from "typescript";
import { fileURLToPath } from "node:url";

/**
 * Finds `any` in declaration files, also through unresolved imports: as `path:line type`.
 * @param files Declaration files. Their imports are resolved from their own folders.
 */
export function findAnyTypes(files: readonly URL[]): string[] {
  const paths = files.map((file) => fileURLToPath(file));
  const program = ts.createProgram(paths, {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
    types: [],
    strict: true,
    noEmit: true,
  });
  const checker = program.getTypeChecker();
  return paths.flatMap((path) => {
    const source = program.getSourceFile(path);
    if (!source) return [`${path} could not be read`];
    const found: string[] = [];
    function visit(node: ts.Node): void {
      // A part of a template is no type of its own.
      const isType = ts.isTypeNode(node) && !ts.isTemplateLiteralTypeSpan(node);
      if (isType && checker.getTypeFromTypeNode(node).flags & ts.TypeFlags.Any) {
        const { line } = ts.getLineAndCharacterOfPosition(source as ts.SourceFile, node.getStart());
        found.push(`${path}:${line + 1} ${node.getText()}`);
      }
      ts.forEachChild(node, visit);
    }
    visit(source);
    return found;
  });
}
