/** The command `realtime-edge`, for Node 20 and later. */
import { fileURLToPath } from "node:url";
import process from "node:process";
import { createAsk } from "./ask.ts";
import { readAssets } from "./project/package_assets.ts";
import { runCommand } from "./run_command.ts";

const packageFolder = fileURLToPath(new URL("./", import.meta.url));

process.exitCode = await runCommand(process.argv.slice(2), {
  assets: () => readAssets(packageFolder),
  packageFolder,
  now: () => new Date(),
  cwd: process.cwd(),
  ask: createAsk(),
  print: (text) => console.log(text),
  printError: (text) => console.error(text),
});
