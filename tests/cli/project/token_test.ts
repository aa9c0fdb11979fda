/** `realtime-edge token`: tokens of the project's dev issuer, with roles and claims. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeJwt } from "jose";
import { nameOfDevUser } from "../../../packages/cli/dev/dev_user.ts";
import { inProject } from "./in_project.ts";

Deno.test("a token has the user's UUID, role, app_metadata and claims; the key is kept, and ignored by Git", async () => {
  await inProject({ "supabase/config.toml": "" }, async ({ run, files }) => {
    const { code, out } = await run(
      ...["token", "--user", "alice", "--role", "service"],
      ...["--app-metadata", '{"role":"teacher"}', "--claims", '{"aal":"aal2"}'],
    );
    assertEquals(code, 0);
    const claims = decodeJwt(out);
    assertEquals(nameOfDevUser(claims.sub ?? ""), "alice");
    assertEquals([claims["role"], claims["aal"]], ["service", "aal2"]);
    assertEquals(claims["app_metadata"], { provider: "email", role: "teacher" });
    const key = (await files()).get(".realtime-edge/issuer_key.json");
    assert(key);
    assertEquals((await files()).get(".realtime-edge/.gitignore"), "*\n");
    const again = JSON.parse((await run("token", "--user", "bob", "--json")).out);
    assertEquals([again.ok, nameOfDevUser(decodeJwt(again.token).sub ?? "")], [true, "bob"]);
    assertEquals((await files()).get(".realtime-edge/issuer_key.json"), key);
  });
});

Deno.test("a wrong option is named, and shown in an example", async () => {
  await inProject({ "supabase/config.toml": "" }, async ({ run }) => {
    for (
      const [args, says] of [
        [[], "Missing --user."],
        [["--user", "a", "--app-metadata", "teacher"], "--app-metadata is not a JSON object"],
        [["--user", "a", "--claims", "[]"], "--claims is not a JSON object"],
      ] as [string[], string][]
    ) {
      const { code, err } = await run("token", ...args);
      assertEquals(code, 2);
      assertStringIncludes(err, says);
      assertStringIncludes(err, "--user alice");
    }
  });
});
