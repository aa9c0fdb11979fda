/**
 * Writes the module with the operations that every deployment has (`deno task openapi`). A test
 * fails if the module is out of date.
 */
import { OPENAPI_MODULE, renderModule } from "./render_module.ts";

await Deno.writeTextFile(OPENAPI_MODULE, renderModule());
console.log(`Wrote ${OPENAPI_MODULE.pathname}`);
