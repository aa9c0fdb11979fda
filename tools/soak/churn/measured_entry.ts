/**
 * The standalone function, which prints its memory on a signal: SIGHUP as it is, SIGUSR2 after a
 * garbage collection (with `DENO_V8_FLAGS=--expose-gc`). Each answer is a line `memory.N`, counted
 * from 1.
 */
let answers = 0;

function printMemory(): void {
  const { heapUsed, external } = Deno.memoryUsage();
  console.log(JSON.stringify({ event: `memory.${++answers}`, heapUsed, external }));
}

Deno.addSignalListener("SIGHUP", printMemory);
Deno.addSignalListener("SIGUSR2", () => {
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect !== "function") {
    throw new Error("DENO_V8_FLAGS lacks --expose-gc: start the function with DENO_V8_FLAGS=--expose-gc.");
  }
  collect();
  printMemory();
});

await import("../../../supabase/functions/realtime/index.ts");
