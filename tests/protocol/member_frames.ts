/** Helpers that read the frames a member has received. */
import type { RoomClient } from "../support/room_client.ts";

/** Takes the data of all messages that a member has received since the last take. */
export async function takeMessageData(member: RoomClient): Promise<unknown[]> {
  return (await member.takeAll()).flatMap((frame) => frame.type === "message" ? [frame.data] : []);
}

/** Takes all presence changes that a member has received, without the frame type. */
export async function takePresence(member: RoomClient): Promise<unknown[]> {
  return (await member.takeAll()).flatMap((frame) => {
    const { type, ...change } = frame;
    return type === "presence" ? [change] : [];
  });
}

/** Numbers from the first to the last: offsets without a gap. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
