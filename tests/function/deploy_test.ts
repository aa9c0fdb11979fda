/**
 * Deploys with the real Supabase CLI to a management API on loopback, and runs only the uploaded
 * files, on the Deno version of the hosted runtime.
 */
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { assert, assertEquals, assertExists, assertLess, assertMatch } from "@std/assert";
import { startDeployed } from "../support/deploy/deployed_function.ts";
import { startManagementApi } from "../support/deploy/management_api.ts";
import { deployWithCli, PROJECT_REF } from "../support/deploy/supabase_cli.ts";
import { HOSTED_DENO_VERSION, measurePackages, unpackUpload } from "../support/deploy/unpacked_upload.ts";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { listFiles } from "../../tools/support/list_files.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

const PROJECT_DIRECTORY = fileURLToPath(new URL("../..", import.meta.url));
const FUNCTION_DIRECTORY = "supabase/functions/realtime";
const FUNCTION_FOLDER = new URL(`../../${FUNCTION_DIRECTORY}/`, import.meta.url);
/** TypeScript files of the shipped function; a project adds its own. */
const SHIPPED: readonly string[] = [
  "app.ts",
  "index.ts",
  "middleware/auth.ts",
  "middleware/require_claim.ts",
  "routes/echo.ts",
  "routes/rooms.ts",
];
/** The platform's size limit of a function, bundled with its packages. */
const PLATFORM_LIMIT_BYTES = 20_000_000;

/** Lists the function's modules in the project, with dynamic imports. */
async function listModules(): Promise<Set<string>> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `${FUNCTION_DIRECTORY}/index.ts`],
    cwd: PROJECT_DIRECTORY,
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { modules }: { modules: { specifier: string }[] } = JSON.parse(new TextDecoder().decode(stdout));
  const root = pathToFileURL(PROJECT_DIRECTORY).href;
  return new Set(
    modules.filter(({ specifier }) => specifier.startsWith(root))
      .map(({ specifier }) => decodeURI(specifier.slice(root.length))),
  );
}

Deno.test("the CLI uploads the whole function, which runs by itself", {
  sanitizeOps: true,
  sanitizeResources: true,
}, async (t) => {
  // The real path, because the temporary directory of macOS is a symbolic link.
  const workspace = await Deno.realPath(await Deno.makeTempDir({ prefix: "realtime-deploy-" }));
  try {
    await using api = startManagementApi();
    const home = join(workspace, "home");
    await Deno.mkdir(home);
    const output = await deployWithCli({
      functionName: "realtime",
      projectDirectory: PROJECT_DIRECTORY,
      home,
      api,
    });
    assertEquals(api.deployments.length, 1);
    const [deployment] = api.deployments;
    assertExists(deployment);
    const { files, metadata } = deployment;

    await t.step(
      "the CLI prints no warning: it knows every key of config.toml and finds every import",
      () => {
        assertEquals(output.filter((line) => line.includes("WARN")), []);
      },
    );

    await t.step("config.toml turns off the platform's token check, which browsers cannot pass", () => {
      assertEquals(deployment.projectRef, PROJECT_REF);
      assertEquals(deployment.slug, "realtime");
      assertEquals(metadata, {
        name: "realtime",
        entrypointPath: `${FUNCTION_DIRECTORY}/index.ts`,
        importMapPath: `${FUNCTION_DIRECTORY}/deno.json`,
        verifyJwt: false,
      });
    });

    await t.step("exactly the modules that the function imports are uploaded", async () => {
      const expected = await listModules();
      expected.add(`${FUNCTION_DIRECTORY}/deno.json`);
      const uploaded = new Set(files.keys());
      // A missing file has no import that the CLI can follow: docs/deploy.md, "What is uploaded".
      assertEquals(
        { missing: [...expected.difference(uploaded)], extra: [...uploaded.difference(expected)] },
        { missing: [], extra: [] },
      );
    });

    await t.step("the function's own files are few, and import the engine's entry points only", async () => {
      const own = (await listFiles(FUNCTION_FOLDER, ".ts")).filter((path) => SHIPPED.includes(path));
      assertEquals(own, [...SHIPPED]);
      let lines = 0;
      for (const path of own) {
        const text = await Deno.readTextFile(new URL(path, FUNCTION_FOLDER));
        lines += text.split("\n").length - 1;
        for (const [, specifier = ""] of text.matchAll(/from "([^"]+)"/g)) {
          if (specifier.startsWith("./") || specifier.startsWith("../")) {
            const target = new URL(specifier, new URL(path, FUNCTION_FOLDER)).href;
            assert(target.startsWith(FUNCTION_FOLDER.href), `${path} imports ${specifier}`);
          } else assertMatch(specifier, /^@realtime-edge\/server(\/(rooms|supabase|testing))?$/);
        }
      }
      assertLess(lines, 700);
      console.log(
        `the function: ${own.length} files, ${lines} lines; uploaded with the engine: ${files.size} files`,
      );
    });

    const upload = await unpackUpload(deployment, join(workspace, "upload"));

    await t.step(
      "the upload is far below the platform's limit, even with every package in full",
      async () => {
        const bytes = [...files.values()].reduce((sum, file) => sum + file.length, 0);
        const npm = await measurePackages(upload);
        console.log(
          `uploaded: ${bytes} bytes in ${files.size} files; ` +
            `npm packages, whole: ${npm.bytes} bytes, ${npm.compressedBytes} compressed, in ${npm.packages} packages`,
        );
        assertLess(bytes, PLATFORM_LIMIT_BYTES / 15);
        assertLess(bytes + npm.compressedBytes, PLATFORM_LIMIT_BYTES / 2);
      },
    );

    const issuer = await createIssuer();
    await using deployed = await startDeployed(upload, {
      // No server has this port: the key set is inline.
      SUPABASE_URL: "http://127.0.0.1:9",
      SUPABASE_JWKS: JSON.stringify(issuer.jwks),
    });
    const echoAddress = `${deployed.origin}/realtime/echo`;

    await t.step(`the uploaded files answer on Deno ${HOSTED_DENO_VERSION}`, async () => {
      const response = await fetch(`${deployed.origin}/realtime/health`);
      assertEquals(response.status, 200);
      const body: { status?: unknown } = await response.json();
      assertEquals(body.status, "ok");
    });

    await t.step("the uploaded files describe themselves, so lazy modules were uploaded too", async () => {
      const response = await fetch(`${deployed.origin}/realtime/openapi.json`);
      assertEquals(response.status, 200);
      const body: { openapi?: unknown } = await response.json();
      assertEquals(body.openapi, "3.1.0");
    });

    await t.step("the uploaded files relay a message in a room", async () => {
      const address = `${deployed.origin}/realtime/rooms/r?token=${await issuer.token("alice")}`;
      await using client = await SocketClient.open(address.replace("http", "ws"));
      client.send(JSON.stringify({ type: "publish", id: "1", event: "chat", data: "hello" }));
      const types: unknown[] = [];
      while (!types.includes("ack")) types.push(JSON.parse(String(await client.next())).type);
      assertEquals(types, ["welcome", "presence", "message", "ack"]);
    });

    await t.step("the uploaded files echo to a user", async () => {
      const url = `${echoAddress.replace(/^http/, "ws")}?token=${await issuer.token("alice")}`;
      await using client = await SocketClient.open(url);
      client.send("x");
      assertEquals(await client.next(), "Echo: x");
    });

    await t.step("the uploaded files refuse a missing token and another issuer's token", async () => {
      const stranger = await (await createIssuer("ES256", issuer.kid)).token("alice");
      for (const address of [echoAddress, `${echoAddress}?token=${stranger}`]) {
        const response = await fetch(address);
        await response.body?.cancel();
        assertEquals(response.status, 401);
      }
    });

    await t.step(
      "the log has no stray error and no missing permission",
      async () => {
        assertEquals((await deployed.stop()).filter((line) => !line.includes('"level":"info"')), []);
      },
    );
  } finally {
    await Deno.remove(workspace, { recursive: true });
  }
});
