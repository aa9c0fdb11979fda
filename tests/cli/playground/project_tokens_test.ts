import { assertEquals, assertNotMatch } from "@std/assert";
import { createIssuer } from "../../../packages/cli/dev/issuer.ts";
import { answerKeys, startProjectStub } from "../../support/project_stub.ts";
import { PlaygroundFixture, WITH_BROWSER } from "./playground_fixture.ts";

Deno.test(
  "with a project's users the playground asks for a token, and again after a refusal",
  WITH_BROWSER,
  async () => {
    const issuer = await createIssuer();
    await using project = startProjectStub({ keys: answerKeys(issuer.jwks) });
    await using fixture = await PlaygroundFixture.open({ SUPABASE_URL: project.url });
    await using dora = await fixture.openPage();
    const { page } = dora;
    const form = page.getByRole("form", { name: "Join a room" });
    const field = form.getByLabel("Access token");
    assertEquals(await field.getAttribute("type"), "password");
    assertEquals(await form.getByRole("radio").count(), 0);

    await field.fill("eyJhbGciOiJFUzI1NiJ9.e30.AAAA");
    await form.getByRole("textbox", { name: "Room" }).fill("project");
    await field.press("Enter");
    await page.getByRole("alert").filter({ hasText: "not accepted" }).waitFor();
    assertEquals(await field.inputValue(), "");
    // The browser itself reports the refused handshake and the refused request after it.
    assertEquals(dora.consoleErrors.filter((text) => !/401|WebSocket connection to/.test(text)), []);

    await field.fill(await issuer.token("dora"));
    await field.press("Enter");
    await dora.waitForState("As dora.");
    await dora.send("hello");
    await dora.waitForTexts(["hello"]);
    assertNotMatch(await page.content(), /eyJ/);
    assertEquals(await page.evaluate("location.hash"), "#room=project");
    assertEquals(await page.evaluate("localStorage.length + sessionStorage.length"), 0);
  },
);
