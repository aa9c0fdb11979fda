/// <reference lib="dom" />
/** The playground: asks who and which room, then shows the room. Served by the dev server at `/`. */
import { devTokens, pastedToken, readDevIssuer } from "./dev_issuer.ts";
import { JoinForm, type Joining } from "./join_form.ts";
import { hashOf, type Place, readPlace } from "./page_address.ts";
import { pageElement } from "./page_element.ts";
import { startVisit } from "./visit.ts";

const TITLE = document.title;

const issuer = await readDevIssuer();
const form = new JoinForm(issuer, join);
let endVisit: (() => void) | undefined;

/** Goes where the address leads: into a room when it names all that is needed, else to the form. */
function followAddress(): void {
  const { user, room } = readPlace(location.hash);
  if (issuer.issuesTokens && user && room) visit({ user, room, token: undefined });
  else ask({ ...user && { user }, ...room && { room } });
}

function join(joining: Joining): void {
  const { user, room } = joining;
  history.pushState(null, "", hashOf(user === undefined ? { room } : { room, user }));
  visit(joining);
}

function visit({ user, room, token }: Joining): void {
  leave();
  form.hide();
  if (user) showPlace({ user, room });
  endVisit = startVisit({
    room,
    tokens: (get) => token === undefined ? devTokens(user ?? "", get) : pastedToken(token),
    onUser: (verified) => showPlace({ user: verified, room }),
    onSignedOut: () => ask({ room }, "The token is not accepted, or no longer. Paste another one."),
  });
}

function ask(place: Partial<Place>, problem?: string): void {
  leave();
  form.show(place, problem);
}

function leave(): void {
  endVisit?.();
  endVisit = undefined;
  pageElement("place", HTMLElement).hidden = true;
  document.title = TITLE;
}

/** Says who is where, and offers the same room to somebody else. */
function showPlace({ user, room }: Place): void {
  pageElement("place", HTMLElement).hidden = false;
  pageElement("place-user", HTMLElement).textContent = user;
  pageElement("place-room", HTMLElement).textContent = room;
  document.title = `${user} in ${room} – ${TITLE}`;
  const other = issuer.users.find((name) => name !== user);
  const link = pageElement("second-tab", HTMLAnchorElement);
  link.href = hashOf(other ? { room, user: other } : { room });
  link.textContent = other ? `Open as ${other} in another tab` : "Open another tab";
}

pageElement("leave", HTMLButtonElement).addEventListener("click", () => {
  const { user, room } = readPlace(location.hash);
  history.pushState(null, "", hashOf({ ...room && { room } }));
  ask({ ...user && { user }, ...room && { room } });
});
// Back, forward, and an address that was changed by hand.
addEventListener("hashchange", followAddress);
followAddress();
