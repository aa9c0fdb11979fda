import { assertEquals, assertFalse, assertLessOrEqual } from "@std/assert";
import { fileURLToPath } from "node:url";
import { bundle } from "../../packages/cli/dev/bundle.ts";
import { MAX_CORE_BYTES, measureClient, stopBundling } from "../../tools/pack/client_package.ts";

/** Largest entry `./cursors`, in bytes. */
const MAX_CURSORS_BYTES = 2_048;

Deno.test("the client's core is at most 8.5 KiB, minified and compressed", {
  // esbuild is a process of its own.
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  const sizes = await measureClient();
  await stopBundling();
  for (const { entry, minifiedBytes, gzipBytes } of sizes) {
    console.log(`${entry}: ${minifiedBytes} bytes minified, ${gzipBytes} with gzip`);
  }
  assertEquals(sizes.map(({ entry }) => entry), ["core", ".", "./react", "./indexed-db", "./cursors"]);
  assertLessOrEqual(sizes[0]?.gzipBytes ?? Infinity, MAX_CORE_BYTES);
  assertLessOrEqual(sizes[4]?.gzipBytes ?? Infinity, MAX_CURSORS_BYTES);
});

Deno.test("a page with one room has nothing of shared connections", {
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  const page = fileURLToPath(new URL("pages/one_room.ts", import.meta.url));
  const files = await bundle({ entries: { page }, minify: true });
  const core = (await measureClient()).find(({ entry }) => entry === "core");
  await stopBundling();
  const text = files.map((file) => file.text).join("");
  assertFalse(text.includes('"leave"'));
  // Names may be longer.
  assertLessOrEqual(text.length, (core?.minifiedBytes ?? 0) + 100);
});
