/** Beginning of every topic that names a channel. */
const PREFIX = "realtime:";
/** Endpoints of the two kinds of channels. They contain no slash, so their rooms never meet. */
const PUBLIC = "realtime";
const PRIVATE = "realtime-private";

/** The channel's name as users write it; undefined for a topic that names none. */
export function channelName(topic: string): string | undefined {
  return topic.startsWith(PREFIX) ? topic.slice(PREFIX.length) : undefined;
}

/** The topic of a channel. */
export function topicOf(name: string): string {
  return PREFIX + name;
}

/** The channel's room in the backplane: another one for a private channel of the same name. */
export function roomKey(name: string, isPrivate: boolean): string {
  return `${isPrivate ? PRIVATE : PUBLIC}/${name}`;
}
