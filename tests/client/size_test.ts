import { assertEquals, assertLessOrEqual } from "@std/assert";
import { MAX_CORE_BYTES, measureClient, stopBundling } from "../../tools/pack/client_package.ts";

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
  assertEquals(sizes.map(({ entry }) => entry), ["core", ".", "./react", "./indexed-db"]);
  assertLessOrEqual(sizes[0]?.gzipBytes ?? Infinity, MAX_CORE_BYTES);
});
