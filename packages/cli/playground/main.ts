/// <reference lib="dom" />
/** The playground: asks for user and room, then shows the room. The dev server serves it at `/`. */
import { devTokens, pastedToken, readDevIssuer, readRoomEndpoints } from "./dev_issuer.ts";
import { pageElement } from "./dom.ts";
import { JoinForm, type JoinRequest } from "./join_form.ts";
import { formatAddress, type PageAddress, parseAddress } from "./page_address.ts";
import { parseRoomPath } from "./room_path.ts";
import { openRoomView } from "./room_view.ts";
import { userName } from "./user_name.ts";

const TITLE = document.title;

const issuer = await readDevIssuer();
const form = new JoinForm(issuer, await readRoomEndpoints(issuer.functionPath), join);
let closeRoomView: (() => void) | undefined;

/** Opens the room that the page's address names, or the form if something is missing. */
function followAddress(): void {
  const address = parseAddress(location.hash);
  const { user, room, ...changes } = address;
  if (issuer.issuesTokens && user && room) openRoom({ user, room, token: undefined, ...changes });
  else showForm(address);
}

function join(request: JoinRequest): void {
  const { user, token: _, ...address } = request;
  history.pushState(null, "", formatAddress(user === undefined ? address : { ...address, user }));
  openRoom(request);
}

function openRoom({ user, room, token, ...changes }: JoinRequest): void {
  const path = parseRoomPath(room);
  if (!path) return;
  leave();
  form.hide();
  if (user) showAddress({ user, room });
  closeRoomView = openRoomView({
    address: `${location.origin}${issuer.functionPath}/${path.endpoint}/${path.id}`,
    tokens: (get) => token === undefined ? devTokens(user ?? "", changes, get) : pastedToken(token),
    onUser: (verified) => showAddress({ user: userName(verified), room }),
    onSignedOut: () => showForm({ room }, "The token was not accepted, or has expired. Paste another one."),
  });
}

function showForm(address: Partial<PageAddress>, problem?: string): void {
  leave();
  form.show(address, problem);
}

function leave(): void {
  closeRoomView?.();
  closeRoomView = undefined;
  pageElement("address", HTMLElement).hidden = true;
  document.title = TITLE;
}

/** Shows user and room, and links to the same room as another user. */
function showAddress({ user, room }: Pick<PageAddress, "user" | "room">): void {
  pageElement("address", HTMLElement).hidden = false;
  pageElement("address-user", HTMLElement).textContent = user;
  pageElement("address-room", HTMLElement).textContent = room;
  document.title = `${user} in ${room} – ${TITLE}`;
  const other = issuer.users.find((name) => name !== user);
  const link = pageElement("second-tab", HTMLAnchorElement);
  link.href = formatAddress(other ? { room, user: other } : { room });
  link.textContent = other ? `Open as ${other} in another tab` : "Open another tab";
}

pageElement("leave", HTMLButtonElement).addEventListener("click", () => {
  const { user, ...address } = parseAddress(location.hash);
  history.pushState(null, "", formatAddress(address));
  showForm({ ...user && { user }, ...address });
});
// Back, forward, and an address that was edited by hand.
addEventListener("hashchange", followAddress);
followAddress();
