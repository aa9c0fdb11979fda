import type { RoomState } from "../../../client/mod.ts";
import { userName } from "../user_name.ts";

/** Describes a state in a sentence or two, without its name. */
export function stateText(state: RoomState): string {
  switch (state.type) {
    case "idle":
      return "Not opened yet.";
    case "connecting":
      return state.attempt === 0 ? "First attempt." : `Attempt ${state.attempt + 1}.`;
    case "live":
      if (state.recovered === null) return `As ${userName(state.user)}.`;
      return state.recovered
        ? `As ${userName(state.user)}. No messages were missed.`
        : `As ${userName(state.user)}. Some messages were missed; the chat shows which.`;
    case "waiting":
    case "closed":
      return state.reason.message;
  }
}

/** Describes a state in a few words, for the connection log. */
export function shortStateText(state: RoomState): string {
  switch (state.type) {
    case "idle":
      return "idle";
    case "connecting":
      return state.attempt === 0 ? "connecting" : `connecting, attempt ${state.attempt + 1}`;
    case "live":
      return state.recovered === null ? "live" : `live, ${resumeText(state)}`;
    case "waiting":
    case "closed":
      return `${state.type}, ${state.reason.code}`;
  }
}

/** Result of the resume; a dash without a connection. */
export function resumeText(state: RoomState): string {
  if (state.type !== "live") return "–";
  if (state.recovered === null) return "first connection";
  return state.recovered ? "recovered" : "not recovered";
}
