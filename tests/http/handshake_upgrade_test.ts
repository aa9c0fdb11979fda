/** Successful handshakes of docs/protocol.md, "Handshake", byte for byte on a TCP connection. */
import { assertEquals } from "@std/assert";
import { connect } from "../support/handshake.ts";
import { HANDSHAKE, rawGet, type RawResponse } from "../../tools/support/wire/raw_request.ts";
import { type RunningServer, type StartOptions, startServer } from "../support/running_server.ts";

/** Registers the test of a successful handshake with the selected subprotocol. */
function upgrades(
  name: string,
  selected: string | null,
  request: (running: RunningServer) => Promise<RawResponse>,
  options: StartOptions = {},
): void {
  Deno.test(`Handshake ${name}`, async () => {
    await using running = await startServer(options);
    const { status, headers, body } = await request(running);
    assertEquals(status, 101, body);
    // RFC 6455, section 1.3: the answer to its example key.
    assertEquals(headers.get("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assertEquals(headers.get("upgrade")?.toLowerCase(), "websocket");
    assertEquals(headers.get("sec-websocket-protocol"), selected);
  });
}

upgrades(
  "3: Upgrade is case-insensitive, and Connection is a list",
  null,
  (running) =>
    connect(running, "/echo", [
      ...HANDSHAKE.filter((line) => !/^(Upgrade|Connection):/.test(line)),
      "Upgrade: WebSocket",
      "Connection: keep-alive, Upgrade",
    ]),
);
for (const room of ["__proto__", "constructor", "x".repeat(128), "Az09._~:-", "...", "%41"]) {
  upgrades(
    `4: ${room.slice(0, 12)} (${room.length} characters) is a room id`,
    null,
    (running) => connect(running, `/rooms/${room}`),
  );
}
for (const origin of ["https://good.example", undefined]) {
  upgrades(
    `5: ${origin ?? "a client without an origin"} may connect with ALLOWED_ORIGINS set`,
    null,
    (running) => connect(running, "/echo", [...HANDSHAKE, ...(origin ? [`Origin: ${origin}`] : [])]),
    { env: { ALLOWED_ORIGINS: "https://good.example" } },
  );
}
const OFFERS: readonly (readonly [offer: string, selected: string | null])[] = [
  ["realtime.v1, jwt-TOKEN", "realtime.v1"],
  ["realtime.v1,jwt-TOKEN", "realtime.v1"],
  ["jwt-TOKEN, realtime.v1", "realtime.v1"],
  ["jwt-TOKEN,other,realtime.v1", "realtime.v1"],
  ["jwt-TOKEN", null],
  ["jwt-TOKEN, other", null],
];
for (const [offer, selected] of OFFERS) {
  upgrades(`7: of \`${offer}\`, ${selected ?? "nothing"} is selected`, selected, async ({ port, issuer }) => {
    const offered = offer.replace("TOKEN", await issuer.token("alice"));
    return await rawGet(port, "/realtime/rooms/a", [...HANDSHAKE, `Sec-WebSocket-Protocol: ${offered}`]);
  });
}
