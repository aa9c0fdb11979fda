/**
 * The function as it serves by itself, which tells its memory when it is asked: on SIGHUP as it is, on SIGUSR2 after the garbage was
 * collected (with `DENO_V8_FLAGS=--expose-gc`). Each answer is a line `memory.N`, counted from 1.
 */
let answers = 0;

function tellMemory(): void {
  const { heapUsed, external } = Deno.memoryUsage();
  console.log(JSON.stringify({ event: `memory.${++answers}`, heapUsed, external }));
}

Deno.addSignalListener("SIGHUP", tellMemory);
Deno.addSignalListener("SIGUSR2", () => {
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect !== "function") throw new Error("DENO_V8_FLAGS lacks --expose-gc.");
  collect();
  tellMemory();
});

await import("../../../supabase/functions/realtime/index.ts");
