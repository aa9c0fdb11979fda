import * as nodeFiles from "node:fs/promises";
import { join } from "node:path";
import { type PackageAssets, readFolder } from "../../../packages/cli/src/project/package_assets.ts";
import { runCommand } from "../../../packages/cli/src/run_command.ts";

/** A package with little in it: the real one is in init_test.ts. */
export const ASSETS: PackageAssets = {
  version: "0.1.0",
  engine: new Map([["README.md", "# Realtime Edge 0.1.0\n"], ["mod.js", "export {};\n"]]),
  template: new Map([
    ["app.ts", "realtime({ authenticate })\n"],
    [
      "deno.json",
      '{\n  "imports": {\n    "@realtime-edge/server": "../_shared/realtime-edge/mod.js",\n    "hono": "npm:hono@4.13.19"\n  }\n}\n',
    ],
    ["routes/echo.ts", "echo\n"],
  ]),
  migrations: new Map([["20261123000000_rooms.sql", "create schema if not exists rooms;\n"]]),
  changelog: "",
};

/** Exit code and output of a command. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A project in a temporary folder, with the command in this process. */
export interface TestProject {
  readonly root: string;
  run(...args: string[]): Promise<Outcome>;
  /** Runs the command as on a terminal, with these answers; `out` has the questions too. */
  runAsked(answers: readonly string[], ...args: string[]): Promise<Outcome>;
  files(): Promise<ReadonlyMap<string, string>>;
  write(path: string, text: string): Promise<void>;
}

/** Makes a project of some files, and removes it afterwards. */
export async function inProject(
  files: Readonly<Record<string, string>>,
  use: (project: TestProject) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "realtime-project-" });
  const project: TestProject = {
    root,
    run: (...args) => project.runAsked([], ...args),
    async runAsked(answers, ...args) {
      let [out, err] = ["", ""];
      const left = [...answers];
      const code = await runCommand(args, {
        assets: () => Promise.resolve(ASSETS),
        packageFolder: root,
        now: () => new Date("2026-12-01T10:00:00Z"),
        cwd: root,
        ask: answers.length === 0 ? undefined : (question, byDefault = "") => {
          out += `${question}\n`;
          return Promise.resolve(left.shift() || byDefault);
        },
        print: (text) => out += text,
        printError: (text) => err += text,
      });
      return { code, out, err };
    },
    files: () => readFolder(root),
    async write(path, text) {
      await nodeFiles.mkdir(join(root, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(root, path), text);
    },
  };
  try {
    for (const [path, text] of Object.entries(files)) await project.write(path, text);
    await use(project);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
