/**
 * `@std/assert` from npm (`deno-std`), which has no types; assert.d.ts has them. With access to
 * JSR, the import map can use `jsr:@std/assert@1` instead of this file.
 */
// @ts-types="./assert.d.ts"
export * from "deno-std/assert/mod.js";
