/**
 * `realtime-edge dev` from its tarball: the project's own function on Node and npm alone, reloaded
 * on change.
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SocketClient } from "../../../tools/support/wire/socket_client.ts";
import { createTestDatabase } from "../../../tools/support/postgres/database.ts";
import { isWithoutPostgres } from "../../../tools/support/postgres/server.ts";
import { isWithoutRedis } from "../../../tools/support/redis/availability.ts";
import { RedisProcess } from "../../../tools/support/redis/redis_process.ts";
import { createAdoptedProject, startPackedDev } from "../../support/adopter/adopted_project.ts";

const FUNCTION = "supabase/functions/live";
const START_MS = 120_000;
const RELOAD_MS = 30_000;

Deno.test("a project's function runs locally, with tokens, the playground and a reload", {
  sanitizeOps: false,
  sanitizeResources: false,
}, async (t) => {
  // Another name than the default, and two functions of the engine.
  await using adopted = await createAdoptedProject(["realtime", "live"]);
  const { cli, project, project: { root } } = adopted;
  const start = (...args: string[]) => startPackedDev(cli, root, ["--name", "live", ...args]);

  await t.step("with several functions it asks which", async () => {
    const { code, stderr } = await cli.run(root, ["dev"]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "--name: live, realtime");
  });

  await t.step("a taken port is named, with the next step", async () => {
    using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await using dev = start("--port", String(other.addr.port));
    const line = await dev.child.find((one) => one.startsWith("The dev server") ? one : undefined, START_MS);
    assertEquals(
      line,
      `The dev server did not start. Port ${other.addr.port} is taken. Stop what listens there, or choose another port with --port.`,
    );
  });

  await t.step("a wrong variable is named, with the places of variables", async () => {
    await project.write("supabase/functions/.env", "ROOM_POLICY=rls\n");
    await using dev = start();
    const find = (text: string) => dev.child.find((line) => line.includes(text) || undefined, START_MS);
    await find("ROOM_POLICY is rls, but there is no database to ask.");
    await find("supabase/functions/.env; --postgres and --redis");
    await project.write("supabase/functions/.env", "");
  });

  await t.step("serves the app, signs tokens, shows the playground, and starts again on change", async () => {
    await using dev = start();
    const { child } = dev;
    const origin = new URL(await dev.base).origin;
    const token = (await cli.run(root, ["token", "--user", "carol"])).stdout.trim();
    const echo = async () => {
      await using socket = await SocketClient.open(
        `${origin.replace("http", "ws")}/live/echo?token=${token}`,
      );
      socket.send("x");
      return await socket.next();
    };
    assertEquals(await echo(), "Echo: x");

    const page = await fetch(`${origin}/`);
    assertStringIncludes(await page.text(), "<title>Realtime Edge playground</title>");
    const issuer = await (await fetch(`${origin}/dev/issuer`)).json();
    assertEquals(issuer.functionPath, "/live");
    const issued = await fetch(`${origin}/dev/token?user=dave`);
    assertMatch(await issued.text(), /^eyJ/);

    const source = await project.read(`${FUNCTION}/routes/echo.ts`);
    const restarted = child.find((line) => line.startsWith("Restarted: ") || undefined, RELOAD_MS);
    await project.write(`${FUNCTION}/routes/echo.ts`, source.replaceAll("Echo: ", "Changed: "));
    await restarted;
    // With --port 0 a restart has another port; a port that is named stays.
    const line = child.stdout.findLast((one) => one.startsWith("Restarted: ")) ?? "";
    const again = line.slice("Restarted: ".length).replace("http", "ws");
    await using socket = await SocketClient.open(`${again}/echo?token=${token}`);
    socket.send("x");
    assertEquals(await socket.next(), "Changed: x");

    child.signal("SIGTERM");
    const status = await child.ended;
    assertEquals(status.code, 0);
    // Deno has ended too: nothing answers.
    const answer = await fetch(again.replace("ws", "http")).then(() => "answered", () => "gone");
    assertEquals(answer, "gone");
  });

  await t.step({
    name: "keeps rooms in a database that is named",
    ignore: isWithoutPostgres,
    fn: async () => {
      await using database = await createTestDatabase();
      // A store that is named on the command line comes before the file's.
      await project.write("supabase/functions/.env", "REDIS_URL=redis://127.0.0.1:1\n");
      await using dev = start("--postgres", database.url);
      const origin = new URL(await dev.base).origin;
      const token = (await cli.run(root, ["token", "--user", "carol"])).stdout.trim();
      await using room = await SocketClient.open(
        `${origin.replace("http", "ws")}/live/rooms/r?token=${token}`,
      );
      room.send(JSON.stringify({ type: "publish", id: "1", event: "chat", data: "kept" }));
      while (JSON.parse(String(await room.next())).type !== "ack");
      const [row] = await database.sql`select data from rooms.messages`;
      assertEquals(row?.["data"], '"kept"');
    },
  });

  await t.step({
    name: "keeps rooms in a Redis that is named, and finds them again after a restart",
    ignore: isWithoutRedis,
    fn: async () => {
      await using redis = await RedisProcess.start();
      await project.write("supabase/functions/.env", "BACKPLANE=memory\n");
      const token = (await cli.run(root, ["token", "--user", "carol"])).stdout.trim();
      const open = (origin: string) =>
        SocketClient.open(`${origin.replace("http", "ws")}/live/rooms/r?token=${token}&history=1`);
      {
        await using dev = start("--redis", redis.url);
        await using room = await open(new URL(await dev.base).origin);
        room.send(JSON.stringify({ type: "publish", id: "1", event: "chat", data: "kept" }));
        while (JSON.parse(String(await room.next())).type !== "ack");
        assertStringIncludes(await redis.command("KEYS", "*"), "realtime:");
      }
      await using dev = start("--redis", redis.url);
      await using room = await open(new URL(await dev.base).origin);
      let frame = JSON.parse(String(await room.next()));
      while (frame.type !== "message") frame = JSON.parse(String(await room.next()));
      assertEquals(frame.data, "kept");
    },
  });

  await t.step("a wrong option is refused before anything starts", async () => {
    const { code, stderr } = await cli.run(root, ["dev", "--port", "high"]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, '"high" is no port');
  });
});
