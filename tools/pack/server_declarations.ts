import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";
import ts from "typescript";
import { type Stage, stagePath } from "./stage.ts";
import { type PackageFile, UNCHECKED } from "./package_file.ts";

/** Packages whose types come along, since a function needs no such package of its own. */
const INSIDE = ["jose"];

/**
 * Builds the declarations of the server's entries, one file each and one for what they share, with
 * doc comments. Types of Hono and zod stay imports.
 * @param entries Module by output name: `{ mod: "packages/server/mod.ts" }`.
 * @throws {Error} with file and line of a type error
 */
export async function serverDeclarations(
  stage: Stage,
  entries: Readonly<Record<string, string>>,
): Promise<PackageFile[]> {
  const input = Object.entries(entries).map(([name, path]) => [name, stagePath(stage, path)]);
  const build = await rollup({
    input: Object.fromEntries(input),
    external: (id) => !/^[./]/.test(id) && !INSIDE.includes(id),
    plugins: [dts({
      includeExternal: INSIDE,
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        moduleResolution: ts.ModuleResolutionKind.Bundler,
        lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
        strict: true,
        allowImportingTsExtensions: true,
        skipLibCheck: true,
      },
    })],
    onwarn: (warning) => {
      // A function's types are inferred, not declared: nobody has to name these.
      if (!/private shared type exports/.test(warning.message)) throw new Error(warning.message);
    },
  });
  const own = new Set(Object.values(input).map(([, path]) => path));
  const { output } = await build.generate({
    format: "es",
    manualChunks: (id) => own.has(id) ? undefined : "types",
    entryFileNames: "[name].d.ts",
    chunkFileNames: "[name].d.ts",
  });
  await build.close();
  const files = output.flatMap((file) =>
    file.type === "chunk" ? [{ path: file.fileName, text: UNCHECKED + sortStatuses(file.code) }] : []
  );
  // Deno finds declarations through the JavaScript that they belong to.
  return [...files, { path: "types.js", text: `// @ts-self-types="./types.d.ts"\n${UNCHECKED}export {};\n` }];
}

/**
 * Sorts unions of statuses. The compiler lists their members in the order in which it met them, which
 * differs from run to run.
 */
function sortStatuses(declarations: string): string {
  return declarations.replace(/\b\d{3}(?: \| \d{3})+\b/g, (union) => union.split(" | ").sort().join(" | "));
}
