import type { ClientFrame, FrameSeen, ServerFrame } from "../../client/mod.ts";

type PresenceList = Extract<ServerFrame, { type: "presence" }>;

/** As much as fits a line by far. */
const MAX_LENGTH = 200;

/** What a frame says, in a few words; its type is told beside it. */
export function frameGist({ frame }: FrameSeen): string {
  const gist = gistOf(frame);
  return gist.length > MAX_LENGTH ? `${gist.slice(0, MAX_LENGTH)}…` : gist;
}

function gistOf(frame: ServerFrame | ClientFrame): string {
  switch (frame.type) {
    case "welcome":
      return `${frame.user}, offset ${frame.offset}${frame.recovered ? ", recovered" : ""}`;
    case "message":
      return `${frame.offset === undefined ? "" : `#${frame.offset} `}${frame.from.user}: ${
        json(frame.data)
      }`;
    case "publish":
      return `${frame.event} ${json(frame.data)}`;
    case "ack":
      return frame.offset === undefined ? "" : `#${frame.offset}`;
    case "presence":
      return "state" in frame ? json(frame.state) : presenceGist(frame);
    case "history":
      return "messages" in frame
        ? `${frame.messages.length} messages${frame.more ? ", more" : ""}`
        : frame.after === undefined
        ? `before #${frame.before}`
        : `after #${frame.after}`;
    case "gap":
      return `#${frame.from} to ${frame.to === null ? "nobody knows" : `#${frame.to}`}`;
    case "error":
      return `${frame.code}: ${frame.message}`;
    case "draining":
      return frame.reason;
    case "auth":
    case "authenticated":
    case "expiring":
    case "ping":
    case "pong":
      return "";
  }
}

function presenceGist({ members, joined = [], updated = [], left = [] }: PresenceList): string {
  if (members) return members.length === 1 ? "1 connection" : `${members.length} connections`;
  return [
    ...joined.map(({ user }) => `${user} joined`),
    ...updated.map(({ user, state }) => `${user} ${json(state)}`),
    ...left.map(({ user }) => `${user} left`),
  ].join(", ");
}

function json(value: unknown): string {
  return JSON.stringify(value);
}
