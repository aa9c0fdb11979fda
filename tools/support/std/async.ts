/**
 * `@std/async` from npm (`deno-std`), which has no types; the .d.ts files have them. With access to
 * JSR, the import map can use `jsr:@std/async@1` instead of this file.
 */
// async/mod.js is broken: in deno-std 1.4.0 its channel.js imports a missing file.
// @ts-types="./deadline.d.ts"
export * from "deno-std/async/deadline.js";
// @ts-types="./delay.d.ts"
export * from "deno-std/async/delay.js";
