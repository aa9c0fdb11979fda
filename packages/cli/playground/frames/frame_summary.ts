import type { ClientFrame, FrameSeen, ServerFrame } from "../../../client/mod.ts";
import { userName } from "../user_name.ts";

type PresenceList = Extract<ServerFrame, { type: "presence" }>;

/** More characters than fit on a line. */
const MAX_LENGTH = 200;

/** Summarizes a frame in a few words, without its type. */
export function frameSummary({ frame }: FrameSeen): string {
  const summary = summarize(frame);
  return summary.length > MAX_LENGTH ? `${summary.slice(0, MAX_LENGTH)}…` : summary;
}

function summarize(frame: ServerFrame | ClientFrame): string {
  switch (frame.type) {
    case "welcome":
      return `${userName(frame.user)}, offset ${frame.offset}${frame.recovered ? ", recovered" : ""}`;
    case "message":
      return `${frame.offset === undefined ? "" : `#${frame.offset} `}${userName(frame.from.user)}: ${
        json(frame.data)
      }`;
    case "publish":
      return `${frame.event} ${json(frame.data)}`;
    case "ack":
      return frame.offset === undefined ? "" : `#${frame.offset}`;
    case "presence":
      return "state" in frame ? json(frame.state) : summarizePresence(frame);
    case "history":
      return "messages" in frame
        ? `${frame.messages.length} messages${frame.more ? ", more" : ""}`
        : frame.after === undefined
        ? `before #${frame.before}`
        : `after #${frame.after}`;
    case "call":
      return `${frame.method} ${json(frame.data ?? null)}`;
    case "result":
      return json(frame.data ?? null);
    case "gap":
      return `#${frame.from} to ${frame.to === null ? "unknown" : `#${frame.to}`}`;
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

function summarizePresence({ members, joined = [], updated = [], left = [] }: PresenceList): string {
  if (members) return members.length === 1 ? "1 connection" : `${members.length} connections`;
  return [
    ...joined.map(({ user }) => `${userName(user)} joined`),
    ...updated.map(({ user, state }) => `${userName(user)} ${json(state)}`),
    ...left.map(({ user }) => `${userName(user)} left`),
  ].join(", ");
}

function json(value: unknown): string {
  return JSON.stringify(value);
}
