/** A page that takes one room of the package. */
export { connect, createRoom } from "../../../packages/client/mod.ts";
