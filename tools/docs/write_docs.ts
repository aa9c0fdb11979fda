/** Writes the parts of the docs that come from the code (`deno task docs`). */
import { GENERATED_PARTS, withPart } from "./generated_docs.ts";

for (const part of GENERATED_PARTS) {
  const file = new URL(`../../${part.file}`, import.meta.url);
  await Deno.writeTextFile(file, withPart(await Deno.readTextFile(file), part));
  console.log(`${part.file}: ${part.name}`);
}
