/**
 * `@std/assert` as published on npm (`deno-std`), which carries no types: they stand beside this file. With JSR in reach the
 * import map's line becomes `jsr:@std/assert@1` and this file goes.
 */
// @ts-types="./assert.d.ts"
export * from "deno-std/assert/mod.js";
