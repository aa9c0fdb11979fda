/**
 * Builds the client's npm package into `dist/client/` (`deno task build:client`) and prints the
 * size of each entry. Ends with 1 if the core is too large. `npm pack ./dist/client` makes the
 * tarball.
 */
import { MAX_CORE_BYTES, measureClient, stopBundling, writeClientPackage } from "./client_package.ts";

const FOLDER = new URL("../../dist/client/", import.meta.url);

const bytes = (count: number) => count.toLocaleString("en").padStart(9);

await writeClientPackage(FOLDER);
const sizes = await measureClient();
await stopBundling();

console.log("entry          minified      gzip   (bytes, dependencies included)");
for (const { entry, minifiedBytes, gzipBytes } of sizes) {
  console.log(`${entry.padEnd(14)}${bytes(minifiedBytes)} ${bytes(gzipBytes)}`);
}
const core = sizes.find(({ entry }) => entry === "core");
if (!core || core.gzipBytes > MAX_CORE_BYTES) {
  console.error(`The core is larger than ${MAX_CORE_BYTES} bytes.`);
  Deno.exit(1);
}
