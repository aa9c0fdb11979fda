/**
 * `@std/async` as published on npm (`deno-std`), which carries no types: they stand beside this file. With JSR in reach the
 * import map's line becomes `jsr:@std/async@1` and this file goes.
 */
// Not async/mod.js: in deno-std 1.4.0 its channel.js imports a file that is not in the package.
// @ts-types="./deadline.d.ts"
export * from "deno-std/async/deadline.js";
// @ts-types="./delay.d.ts"
export * from "deno-std/async/delay.js";
