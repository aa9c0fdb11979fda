/** Tests that two isolates which race for a ticket accept it once. */
import { assertEquals } from "@std/assert";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { backplaneOf } from "../support/room_services.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { ticketOf } from "../support/tickets.ts";
import { type BackendKind, onPostgres, onRedis } from "./backends.ts";

const RACES = 100;
/** Limits that the races do not meet. */
const LIMITS = { JOINS_BURST: "1000", USER_REQUESTS_PER_SECOND: "1000", MAX_CONNECTIONS_PER_USER: "1000" };

/** Waits until an isolate reaches its store: a call gives up after a second. */
async function isReady(isolate: RunningServer): Promise<void> {
  const connects = () => backplaneOf(isolate).ready().then(() => true, () => false);
  await eventually(connects, (isConnected) => isConnected);
}

function testRaces({ name, isMissing, start }: BackendKind): void {
  Deno.test({
    name: `${name}: two isolates race ${RACES} times for a ticket, and each is used once`,
    ignore: isMissing,
    fn: async () => {
      await using backend = await start();
      const issuer = await createIssuer();
      const env = { ...backend.env(backend.port), ...LIMITS };
      await using one = await startServer({ issuer, env });
      await using other = await startServer({ issuer, env });
      for (const isolate of [one, other]) await isReady(isolate);
      const token = await issuer.token("alice");
      const race = async (index: number) => {
        const ticket = await ticketOf(index % 2 ? one : other, { token });
        const answers = await Promise.all(
          [one, other].map(({ port }) => rawGet(port, `/realtime/echo?ticket=${ticket}`, HANDSHAKE)),
        );
        return answers.map(({ status }) => status).sort();
      };
      const outcomes = [];
      for (let index = 0; index < RACES; index += 10) {
        outcomes.push(...await Promise.all(Array.from({ length: 10 }, (_, step) => race(index + step))));
      }
      assertEquals(outcomes, Array.from({ length: RACES }, () => [101, 401]));
    },
  });
}

testRaces(onPostgres);
testRaces(onRedis);
