/**
 * Writes the operations that every deployment has into a module that the engine serves
 * (`deno task openapi`). A test compares the module with what this makes.
 */
import { OPENAPI_MODULE, renderModule } from "./render_module.ts";

await Deno.writeTextFile(OPENAPI_MODULE, renderModule());
console.log(`Wrote ${OPENAPI_MODULE.pathname}`);
