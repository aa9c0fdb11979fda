/** Paths of Windows, with backslashes and drives, where the command takes paths apart. */
import { win32 } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { entrySource } from "../../../packages/cli/src/commands/dev.ts";
import { missingFolders } from "../../../packages/cli/src/project/change_set.ts";
import { portablePath } from "../../../packages/cli/src/project/package_assets.ts";
import { possibleRoots } from "../../../packages/cli/src/project/project.ts";

Deno.test("a file below a folder has a path with slashes", () => {
  for (const folder of ["C:\\my shop\\supabase", "c:\\MY SHOP\\supabase\\", "C:/my shop/supabase"]) {
    assertEquals(
      portablePath(folder, "C:\\my shop\\supabase\\functions\\live\\app.ts", win32),
      "functions/live/app.ts",
    );
  }
  assertEquals(portablePath("\\\\nas\\shop", "\\\\nas\\shop\\migrations\\1.sql", win32), "migrations/1.sql");
});

Deno.test("the folder above `supabase` is the project's, on any drive", () => {
  assertEquals(possibleRoots("D:\\shop\\supabase", win32), ["D:\\shop\\supabase", "D:\\shop"]);
  assertEquals(possibleRoots("D:\\shop", win32), ["D:\\shop"]);
  assertEquals(possibleRoots("D:\\supabase\\", win32), ["D:\\supabase\\", "D:\\"]);
});

Deno.test("missing folders are listed up to one that exists, or to a missing drive", async () => {
  const exists = (path: string) => Promise.resolve(path === "C:\\shop");
  assertEquals(await missingFolders("C:\\shop\\supabase\\migrations", exists, win32), [
    "C:\\shop\\supabase\\migrations",
    "C:\\shop\\supabase",
  ]);
  assertEquals(await missingFolders("Z:\\shop", exists, win32), ["Z:\\shop"]);
});

Deno.test("the module of `dev` names a key file with backslashes, and imports by address", () => {
  const keyFile = "C:\\Users\\Zoë\\new shop\\.realtime-edge\\issuer_key.json";
  const server = new URL("file:///C:/npm%20cache/realtime-edge/dev/project_server.js");
  const source = entrySource("live", server, keyFile);
  assertEquals(JSON.parse(source.match(/keyFile: (".*"),/)?.[1] ?? ""), keyFile);
  assertStringIncludes(source, 'from "file:///C:/npm%20cache/realtime-edge/dev/project_server.js";');
  assertStringIncludes(source, 'from "../supabase/functions/live/app.ts";');
});
