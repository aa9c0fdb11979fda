import type { RoomState } from "../../client/mod.ts";

/** A state in a sentence or two, without its name. */
export function stateText(state: RoomState): string {
  switch (state.type) {
    case "idle":
      return "Nothing was begun.";
    case "connecting":
      return state.attempt === 0 ? "On the way." : `On the way, attempt ${state.attempt + 1}.`;
    case "live":
      if (state.recovered === null) return `As ${state.user}.`;
      return state.recovered
        ? `As ${state.user}. Nothing was missed.`
        : `As ${state.user}. Something was missed: the chat says what.`;
    case "waiting":
    case "closed":
      return state.reason.message;
  }
}

/** A state in a few words, for a list of what happened. */
export function stateGist(state: RoomState): string {
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

/** What became of a resume; a dash while there is no connection. */
export function resumeText(state: RoomState): string {
  if (state.type !== "live") return "–";
  if (state.recovered === null) return "first visit";
  return state.recovered ? "recovered" : "not recovered";
}
