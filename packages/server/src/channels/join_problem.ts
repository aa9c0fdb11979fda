import type { ChannelDeps } from "./channel_deps.ts";
import type { JoinConfig } from "./join_config.ts";
import { keyProblem } from "./presence/key.ts";
import { REASONS } from "./reasons.ts";

/** A join, as it is checked before anybody is asked. */
export interface CheckedJoin {
  readonly name: string;
  readonly config: JoinConfig;
}

/** The reason to refuse a join, whoever its user is; undefined for a good one. */
export function joinProblem(
  { name, config }: CheckedJoin,
  key: string,
  deps: ChannelDeps,
): string | undefined {
  if (name === "") return REASONS.noName;
  if (deps.isDraining()) return REASONS.restarting;
  if (!config.isPrivate && deps.privateOnly) return REASONS.privateOnly;
  if (config.replay !== undefined && !config.isPrivate) return REASONS.publicReplay;
  if (config.replay === "invalid") return REASONS.wrongReplay;
  if (deps.rooms.isFull(key)) return REASONS.roomFull;
  return keyProblem(config.presence.key);
}
