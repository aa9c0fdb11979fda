/** `realtime-edge doctor`: faults that were planted are found, each with its step. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createTestDatabase } from "../../../tools/support/postgres/database.ts";
import { isWithoutPostgres } from "../../../tools/support/postgres/server.ts";
import { sharedTlsServer } from "../../backplane/postgres_tls_server.ts";
import { installPackedCli } from "../../support/adopter/packed_cli.ts";
import { createSupabaseProject } from "../../support/adopter/supabase_project.ts";
import { runSupabaseCli } from "../../support/deploy/supabase_cli.ts";
import { startServer } from "../../support/running_server.ts";
import { inProject } from "./in_project.ts";

const FUNCTION = "supabase/functions/realtime";
const ENGINE = "supabase/functions/_shared/realtime-edge";

Deno.test("doctor finds nothing after init, and every fault that is planted", {
  ignore: isWithoutPostgres,
  sanitizeOps: false,
  sanitizeResources: false,
}, async (t) => {
  await using cli = await installPackedCli();
  await using project = await createSupabaseProject();
  const { root, home } = project;
  assertEquals((await cli.run(root, ["init"])).code, 0);
  await using server = await startServer();
  const url = `http://127.0.0.1:${server.port}/realtime`;
  const { server: { url: encrypted } } = await sharedTlsServer();
  await using database = await createTestDatabase({ server: encrypted, isMigrated: false });

  await t.step("a database that lacks the migrations is found, until they are pushed", async () => {
    const { code, stdout } = await cli.run(root, ["doctor", "--db-url", database.url]);
    assertEquals(code, 1);
    assertMatch(
      stdout,
      /PROBLEM database: \d+_realtime_edge_rooms\.sql is not applied → run `npx supabase@\S+ db push`/,
    );
    await runSupabaseCli({ args: ["db", "push", `--remote=${database.url}`, "--yes"], cwd: root, home });
  });

  await t.step("nothing is wrong after init, db push and a deployment", async () => {
    await project.write("supabase/functions/.env", "# secrets\nLOG_LEVEL=debug\n");
    const before = await project.snapshot();
    const { code, stdout } = await cli.run(root, ["doctor", "--url", url, "--db-url", database.url]);
    assertEquals([code, stdout.match(/PROBLEM|skipped/g)], [0, null], stdout);
    for (const line of ["offers TLS", "are applied", "is deployed", "it is ready", "Nothing is wrong."]) {
      assertStringIncludes(stdout, line);
    }
    assertEquals(await project.snapshot(), before);
  });

  await t.step("planted faults are all found at once, each with what to do", async () => {
    const edit = async (path: string, from: string | RegExp, to: string) => {
      const text = await project.read(path);
      assert(text.search(from) >= 0, `${path} has no ${from}`);
      await project.write(path, text.replace(from, to));
    };
    const [migration = ""] = [...(await project.snapshot()).keys()].filter((path) =>
      /_realtime_edge_/.test(path)
    ).sort();
    await Deno.remove(project.path(migration));
    await edit("supabase/config.toml", /(\[functions\.realtime\]\n.*\nverify_jwt = )false/, "$1true");
    await edit(`${FUNCTION}/deno.json`, /npm:hono@[\d.]+/, "npm:hono@4.0.0");
    await edit(`${ENGINE}/rooms.js`, "import", "// edited\nimport");
    await project.write(
      `${FUNCTION}/routes/own.ts`,
      'import { cors } from "npm:hono@4.5.0/cors";\nexport { cors };\n',
    );
    await project.write("supabase/functions/.env", 'SUPABASE_JWKS=\'{"kid":"s3cret"}\'\nBACKPLANE=memory\n');
    await using plain = await createTestDatabase({ isMigrated: false });
    const { code, stdout } = await cli.run(root, [
      "doctor",
      "--url",
      `${url}/nowhere`,
      "--db-url",
      plain.url,
    ]);
    assertEquals(code, 1);
    for (
      const line of [
        /PROBLEM config\.toml: verify_jwt is not false for realtime.* → set verify_jwt = false under/,
        /PROBLEM engine: files differ from .*: rooms\.js → run `realtime-edge upgrade`/,
        /PROBLEM pins: .*deno\.json pins "hono" to npm:hono@4\.0\.0; the engine needs npm:hono@/,
        /PROBLEM hono: .*own\.ts imports npm:hono@4\.5\.0\/cors .*two versions of Hono → /,
        /PROBLEM migrations: rooms is missing in supabase\/migrations → run `realtime-edge upgrade`/,
        /PROBLEM variables: SUPABASE_JWKS is given a value that is not shown\. Allowed: .* → correct it in/,
        /PROBLEM database: 127\.0\.0\.1 offers no TLS/,
        /PROBLEM deployment: .*nowhere\/health answers 404/,
      ]
    ) assertMatch(stdout, line);
    assert(!stdout.includes("s3cret"));

    await project.write("supabase/functions/.env", "BACKPLANE=memory\n");
    const report = JSON.parse((await cli.run(root, ["doctor", "--json"])).stdout);
    const texts = report.findings.map(({ text }: { text: string }) => text).join("\n");
    assertStringIncludes(texts, "BACKPLANE is memory: Supabase runs several isolates");
    assertEquals(report.ok, false);
  });

  await t.step("upgrade mends what is the package's; the rest is the user's", async () => {
    assertEquals((await cli.run(root, ["upgrade"])).code, 0);
    const report = JSON.parse((await cli.run(root, ["doctor", "--json"])).stdout);
    const left = report.findings.filter(({ state }: { state: string }) => state === "problem");
    assertEquals(left.map(({ check }: { check: string }) => check), ["config.toml", "hono", "variables"]);
  });
});

Deno.test("what the host gives is not missing from the project's variables", async () => {
  for (const line of ["ROOM_POLICY=rls", "BACKPLANE=postgres", "AUTH_POLICY=remote"]) {
    await inProject(
      { "supabase/config.toml": "", "supabase/functions/.env": `${line}\n` },
      async ({ run }) => {
        await run("init");
        const { code, out } = await run("doctor");
        assertStringIncludes(out, "ok      variables: supabase/functions/.env is right", line);
        assertEquals(code, 0, line);
      },
    );
  }
});

Deno.test("another version at the address, and a platform that refuses, are told apart", async () => {
  await inProject({ "supabase/config.toml": "" }, async ({ run }) => {
    await run("init");
    const answers: Record<string, () => Response> = {
      "/old/health": () => Response.json({ status: "ok", version: "0.0.9" }),
      "/old/health/ready": () => Response.json({ status: "failing" }, { status: 503 }),
      "/jwt/health": () => Response.json({ code: "UNAUTHORIZED_NO_AUTH_HEADER" }, { status: 401 }),
    };
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => answers[new URL(request.url).pathname]?.() ?? new Response(null, { status: 404 }),
    );
    const doctor = (path: string) => run("doctor", "--url", `http://127.0.0.1:${server.addr.port}${path}`);
    const old = await doctor("/old/");
    assertStringIncludes(old.out, "0.0.9 is deployed, the project has 0.1.0 → deploy the function");
    assertStringIncludes(old.out, "it is not ready: failing");
    assertStringIncludes(
      (await doctor("/jwt")).out,
      "the platform refuses requests without a token → deploy again",
    );
  });
});

Deno.test("a project without a function of the engine is told so", async () => {
  await inProject({ "supabase/config.toml": "" }, async ({ run }) => {
    const { code, out } = await run("doctor");
    assertEquals(code, 1);
    assertStringIncludes(out, "no function uses the engine → run `realtime-edge init`");
  });
});

Deno.test("an address that is wrong, or does not answer, is a problem without the password", async () => {
  await inProject({ "supabase/config.toml": "" }, async ({ run }) => {
    await run("init");
    for (const url of ["postgres://u:pa/ss@127.0.0.1/db", "postgres://u:hidden@127.0.0.1:1/db", "nonsense"]) {
      const { code, out } = await run("doctor", "--db-url", url);
      assertEquals(code, 1);
      assertStringIncludes(out, "PROBLEM database: ");
      assert(!/pa\/ss|hidden/.test(out), out);
    }
  });
});
