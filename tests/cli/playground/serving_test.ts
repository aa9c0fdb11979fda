import { assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { pathToFileURL } from "node:url";
import { createPlayground } from "../../../packages/cli/dev/playground_page.ts";
import { WITH_BROWSER } from "./playground_fixture.ts";

async function get(path: string, playground = createPlayground()) {
  const response = await playground.request(path);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

Deno.test("the page loads and runs only files of the dev server", WITH_BROWSER, async () => {
  const { status, headers, text } = await get("/");
  assertEquals(status, 200);
  const policy = headers.get("content-security-policy") ?? "";
  assertMatch(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
  assertNotMatch(policy, /unsafe|\*|https?:/);
  assertEquals(headers.get("x-content-type-options"), "nosniff");
  assertEquals(headers.get("cache-control"), "no-store");
  // No inline scripts, styles or handlers, and no other origin.
  assertNotMatch(text, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|https?:\/\//);
});

Deno.test("the page's files have their media types, and no other file is served", WITH_BROWSER, async () => {
  const playground = createPlayground();
  for (
    const [name, type] of [
      ["main.js", "text/javascript; charset=utf-8"],
      ["style.css", "text/css; charset=utf-8"],
      ["room.css", "text/css; charset=utf-8"],
      ["icon.svg", "image/svg+xml"],
    ]
  ) {
    const { status, headers } = await get(`/playground/${name}`, playground);
    assertEquals([status, headers.get("content-type")], [200, type]);
  }
  for (const name of ["main.ts", "index.html", "constructor", "..%2Fdeno.json", "%2e%2e/deno.json"]) {
    assertEquals((await get(`/playground/${name}`, playground)).status, 404, name);
  }
});

Deno.test(
  "pages that open at the same time share one bundle, and a reload shows a change",
  WITH_BROWSER,
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const home = pathToFileURL(`${folder}/`);
      await Deno.writeTextFile(new URL("index.html", home), "<!doctype html>");
      await Deno.writeTextFile(new URL("main.ts", home), 'console.log("first");');
      const playground = createPlayground(home);
      const pages = await Promise.all([
        get("/", playground),
        get("/", playground),
        get("/playground/main.js", playground),
      ]);
      assertEquals(pages.map(({ status }) => status), [200, 200, 200]);
      await Deno.writeTextFile(new URL("main.ts", home), 'console.log("second");');
      await get("/", playground);
      assertStringIncludes((await get("/playground/main.js", playground)).text, "second");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test("a bundling error is answered as text, with file and line", WITH_BROWSER, async () => {
  const folder = await Deno.makeTempDir();
  const consoleError = console.error;
  const consoleErrors: unknown[] = [];
  console.error = (text: unknown) => void consoleErrors.push(text);
  try {
    await Deno.writeTextFile(`${folder}/main.ts`, "\nconst wrong = ;\n");
    const { status, headers, text } = await get("/", createPlayground(pathToFileURL(`${folder}/`)));
    assertEquals(status, 500);
    assertEquals(headers.get("content-type"), "text/plain; charset=UTF-8");
    assertMatch(text, /^The playground cannot be shown\.\n\n[\s\S]*main\.ts:2:14: ERROR/);
    assertEquals(consoleErrors.length, 1);
  } finally {
    console.error = consoleError;
    await Deno.remove(folder, { recursive: true });
  }
});
