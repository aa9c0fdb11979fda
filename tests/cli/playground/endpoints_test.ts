import { assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { createDevRoutes } from "../../../packages/cli/dev/dev_routes.ts";
import { createIssuer } from "../../../packages/cli/dev/issuer.ts";
import { createServer, realtime } from "../../../packages/server/mod.ts";
import { roomEndpoint } from "../../../packages/server/rooms.ts";
import { authenticate } from "../../../supabase/functions/realtime/middleware/auth.ts";
import { launchChromium } from "../../support/chromium.ts";
import { BrowserUser } from "./browser_user.ts";
import { WITH_BROWSER } from "./playground_fixture.ts";

const Move = z.object({ from: z.string(), to: z.string() });

/**
 * A function named `live`, with two room endpoints of its own; only teachers publish in lessons.
 */
const app = realtime({ basePath: "/live", authenticate })
  .route("/rooms", roomEndpoint({ authenticate }))
  .route("/tables", roomEndpoint({ authenticate, name: "tables", events: { move: Move } }))
  .route(
    "/shops/:shop/lessons",
    roomEndpoint({
      authenticate,
      name: "lessons",
      authorize: (user) => {
        const publish = user.appMetadata["role"] === "teacher";
        return { join: true, publish, presence: true, history: true };
      },
    }),
  );

/** Serves the app with the playground, as `realtime-edge dev` does. */
async function startOwnFunction() {
  const issuer = await createIssuer();
  const env = { SUPABASE_JWKS: JSON.stringify(issuer.jwks), BACKPLANE: "memory", LOG_LEVEL: "error" };
  const server = createServer(app, { env });
  const routes = createDevRoutes(issuer, { functionPath: "/live" });
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request, info) => {
    const isFunction = new URL(request.url).pathname.startsWith("/live");
    return isFunction ? server.fetch(request, info) : routes.fetch(request);
  });
  return {
    origin: `http://127.0.0.1:${http.addr.port}`,
    async [Symbol.asyncDispose]() {
      await server.close();
      await http.shutdown();
    },
  };
}

Deno.test("the playground opens rooms of any endpoint, with any role", WITH_BROWSER, async (t) => {
  await using own = await startOwnFunction();
  await using browser = {
    chromium: await launchChromium(),
    [Symbol.asyncDispose]: () => browser.chromium.close(),
  };

  await t.step("the form lists the function's room endpoints", async () => {
    await using alice = await BrowserUser.open(browser.chromium, own.origin);
    const form = alice.page.getByRole("form", { name: "Join a room" });
    const endpoint = form.getByRole("combobox", { name: "Endpoint" });
    assertEquals(await endpoint.getByRole("option").allInnerTexts(), ["rooms", "tables"]);
    await endpoint.selectOption("tables");
    await form.getByRole("textbox", { name: "Room" }).fill("7");
    await form.getByRole("button", { name: "Join" }).click();
    await alice.waitForState("Live.");
    assertEquals(await alice.page.evaluate("location.hash"), "#room=tables%2F7&user=alice");
    assertEquals(await alice.page.title(), "alice in tables/7 – Realtime Edge playground");
    assertEquals(alice.consoleErrors, []);
  });

  await t.step("an event of the endpoint has its data as JSON", async () => {
    await using alice = await BrowserUser.open(browser.chromium, own.origin, {
      user: "alice",
      room: "tables/8",
    });
    await using bob = await BrowserUser.open(browser.chromium, own.origin, { user: "bob", room: "tables/8" });
    await alice.page.getByRole("textbox", { name: "Event" }).fill("move");
    const message = alice.page.getByRole("textbox", { name: "Message" });
    await alice.send("e2 e4");
    const problem = await message.evaluate((input) =>
      "validationMessage" in input ? String(input.validationMessage) : ""
    );
    assertStringIncludes(problem, "has to be JSON");
    await alice.send('{"from":"e2","to":"e4"}');
    await bob.waitForTexts(['move {"from":"e2","to":"e4"}']);
    await alice.send('{"from":"e2"}');
    await alice.page.getByRole("log").getByRole("alert").filter({ hasText: "data.to" }).waitFor();
    assertEquals([...alice.consoleErrors, ...bob.consoleErrors], []);
  });

  await t.step("a path opens a room that the list lacks, and a role comes with the token", async () => {
    await using carol = await BrowserUser.open(browser.chromium, own.origin);
    const form = carol.page.getByRole("form", { name: "Join a room" });
    const room = form.getByRole("textbox", { name: "Room" });
    const join = form.getByRole("button", { name: "Join" });
    await room.fill("shops//lessons/1");
    assertEquals(await form.locator("#room:invalid").count(), 1);
    await room.fill("shops/north/lessons/1");
    assertEquals(await form.locator("#room:invalid").count(), 0);
    await join.click();
    await carol.waitForState("Live.");
    await carol.send("hello");
    await carol.page.getByRole("log").getByRole("alert").filter({ hasText: "forbidden" }).waitFor();

    await carol.page.getByRole("button", { name: "Leave" }).click();
    await form.getByText("Role and claims").click();
    const metadata = form.getByLabel("app_metadata");
    await metadata.fill("teacher");
    assertEquals(await form.locator("#app_metadata:invalid").count(), 1);
    await metadata.fill('{"role":"teacher"}');
    await join.click();
    await carol.waitForState("Live.");
    await carol.send("Good morning");
    await carol.waitForTexts(["Good morning"]);
    // The address keeps the token's changes, so that a reload is the same user.
    await carol.page.reload();
    await carol.waitForTexts(["Good morning"]);
    await carol.send("Again");
    await carol.waitForTexts(["Good morning", "Again"]);
    assertEquals(carol.consoleErrors, []);
  });
});
