/** The client's core, as a page with one room imports it. Bundlers drop the rest of the entry. */
export { connect, createRoom, RoomError, systemClock } from "../../packages/client/mod.ts";
