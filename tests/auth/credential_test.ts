/**
 * Properties of finding a token and of taking it off an address: docs/protocol.md, "Handshake",
 * step 2.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Hono } from "hono";
import {
  queryApiKey,
  queryTicket,
  queryToken,
  urlWithoutToken,
} from "../../packages/server/src/auth/credential.ts";
import type { AppEnv } from "../../packages/server/src/http/context.ts";
import { findApiKey } from "../../packages/server/src/http/find_api_key.ts";
import { findToken } from "../../packages/server/src/http/find_token.ts";

const ORIGIN = "http://127.0.0.1:8000/realtime/rooms/a";

/** Names of the parameters that are taken off. */
const IS_TOKEN = /^(token|jwt|ticket|apikey)$/;

const token = fc.stringMatching(/^eyJ[A-Za-z0-9_-]{17,40}\.[A-Za-z0-9_-]{8,40}\.[A-Za-z0-9_-]{0,40}$/);

/** Text with each character percent-encoded or not: all of these decode to the same. */
function spelled(text: string): fc.Arbitrary<string> {
  return fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length }).map((encoded) =>
    [...text].map((character, at) =>
      encoded[at] ? `%${character.charCodeAt(0).toString(16).padStart(2, "0")}` : character
    ).join("")
  );
}

/** A parameter of an address: as it is written, and what it says. */
interface Parameter {
  readonly written: string;
  readonly name: string;
  readonly value: string;
}

const tokenParameter: fc.Arbitrary<Parameter> = fc.record({
  name: fc.constantFrom("token", "jwt", "ticket", "apikey"),
  value: fc.oneof({ weight: 4, arbitrary: token }, fc.constant("")),
}).chain(({ name, value }) =>
  fc.tuple(spelled(name), spelled(value)).map(([writtenName, writtenValue]) => ({
    written: `${writtenName}=${writtenValue}`,
    name,
    value,
  }))
);

const otherParameter: fc.Arbitrary<Parameter> = fc.record({
  // Names that look like the two, too: they are others.
  name: fc.oneof(
    fc.constantFrom("after", "Token", "token[]", "tokens", "%74oken", "xjwt", "apiKey", "apikeys"),
    fc.string(),
  ),
  value: fc.oneof(
    fc.constantFrom("token", "a+b c", "ü", "%", "?token", "#jwt"),
    fc.string({ unit: "binary" }),
  ),
}).filter(({ name }) => !IS_TOKEN.test(name)).map(({ name, value }) => ({
  written: new URLSearchParams([[name, value]]).toString(),
  name: name.toWellFormed(),
  value: value.toWellFormed(),
}));

const parameters = fc.array(fc.oneof(tokenParameter, otherParameter), { maxLength: 6 });
const addressOf = (all: readonly Parameter[]) => `${ORIGIN}?${all.map(({ written }) => written).join("&")}`;

const authorization = fc.oneof(
  fc.record({ scheme: fc.constantFrom("Bearer ", "bearer ", "BEARER   "), token }).map((given) => ({
    header: `${given.scheme}${given.token}`,
    token: given.token as string | undefined,
  })),
  fc.constantFrom("Bearer", "Bearer ", "Basic YTpi", "Token abc", "Bearertoken", "")
    .map((header) => ({ header, token: undefined })),
  fc.constant(undefined),
);

const subprotocols = fc.option(
  fc.record({
    entries: fc.array(
      fc.oneof(token.map((value) => `jwt-${value}`), fc.constantFrom("realtime.v1", "x", "JWT-x", "xjwt-y")),
      { minLength: 1, maxLength: 4 },
    ),
    separator: fc.constantFrom(",", ", ", " ,\t"),
  }),
  { nil: undefined },
);

/** The token, or key, that a route finds, as the request handler gives it the request. */
async function foundIn(request: Request, find: typeof findApiKey = findToken): Promise<string | undefined> {
  let found: string | undefined;
  const app = new Hono<AppEnv>().get("*", (c) => {
    found = find(c);
    return c.body(null);
  });
  await app.request(request, undefined, {
    queryToken: queryToken(request.url),
    queryTicket: queryTicket(request.url),
    queryApiKey: queryApiKey(request.url),
  });
  return found;
}

Deno.test("Handshake 2: of any mix of places, the first that holds a token has it", async () => {
  await fc.assert(fc.asyncProperty(authorization, subprotocols, parameters, async (bearer, offered, all) => {
    // A ticket counts for sockets and event streams.
    const headers = new Headers({ accept: "text/event-stream" });
    if (bearer) headers.set("authorization", bearer.header);
    if (offered) headers.set("sec-websocket-protocol", offered.entries.join(offered.separator));
    const found = await foundIn(new Request(addressOf(all), { headers }));
    const first = (name: string) => all.find((parameter) => parameter.name === name)?.value || undefined;
    const inOrder = [
      bearer?.token,
      offered?.entries.find((entry) => entry.startsWith("jwt-"))?.slice("jwt-".length),
      first("token"),
      first("jwt"),
      first("ticket"),
    ];
    assertEquals(found, inOrder.find((candidate) => candidate !== undefined));
  }));
});

Deno.test("an address without its tokens does not contain them, however they were written", () => {
  fc.assert(fc.property(parameters, (all) => {
    const tokens = all.filter(({ name }) => IS_TOKEN.test(name)).map(({ value }) => value);
    const address = addressOf(all);
    const without = urlWithoutToken(address);
    assertEquals(without === undefined, tokens.length === 0);
    for (const found of tokens.filter((value) => value !== "")) {
      assert(!`${without} ${new URL(without ?? address).searchParams}`.includes(found));
    }
  }));
});

Deno.test("an address without its tokens keeps its path and every other parameter, in order", () => {
  fc.assert(fc.property(parameters, (all) => {
    const { origin, pathname, searchParams } = new URL(urlWithoutToken(addressOf(all)) ?? addressOf(all));
    assertEquals(origin + pathname, ORIGIN);
    const others = all.filter(({ name }) => !IS_TOKEN.test(name));
    assertEquals([...searchParams], others.map(({ name, value }) => [name, value]));
  }));
});

Deno.test("an address without a token in it is not parsed again", () => {
  assertEquals(urlWithoutToken(ORIGIN), undefined);
  assertEquals(urlWithoutToken(`${ORIGIN}?after=1`), undefined);
});

Deno.test("an API key is in x-api-key, else in apikey, else in the query; empty ones do not count", async () => {
  const header = fc.constantFrom(undefined, "", "a", "b");
  await fc.assert(fc.asyncProperty(header, header, parameters, async (first, second, all) => {
    const headers = new Headers({ authorization: "Bearer other" });
    if (first !== undefined) headers.set("x-api-key", first);
    if (second !== undefined) headers.set("apikey", second);
    const found = await foundIn(new Request(addressOf(all), { headers }), findApiKey);
    const inQuery = all.find(({ name }) => name === "apikey")?.value;
    assertEquals(found, first || second || inQuery || undefined);
  }));
});
