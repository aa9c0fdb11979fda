/**
 * Builds the npm packages into `dist/npm/` (`deno task pack`): a folder and a tarball for each.
 * `--out FOLDER` names another place.
 */
import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import { packAll } from "./pack_all.ts";

const { values } = parseArgs({ options: { out: { type: "string" } } });
const folder = values.out === undefined
  ? new URL("../../dist/npm/", import.meta.url)
  : new URL(`${pathToFileURL(values.out).href.replace(/\/$/, "")}/`);

for (const { path, bytes, files } of await packAll(folder)) {
  console.log(`${path}: ${files} files, ${bytes.toLocaleString("en")} bytes`);
}
