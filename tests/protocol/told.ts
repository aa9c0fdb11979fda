/** What a test of the protocol reads off what a member was told. */
import type { RoomClient } from "../support/room_client.ts";

/** The data of the messages that a member has been sent and was not asked for. */
export async function dataOf(member: RoomClient): Promise<unknown[]> {
  return (await member.takeAll()).flatMap((frame) => frame.type === "message" ? [frame.data] : []);
}

/** What a member was told of presence that it was not asked for, without the type. */
export async function presenceOf(member: RoomClient): Promise<unknown[]> {
  return (await member.takeAll()).flatMap((frame) => {
    const { type, ...change } = frame;
    return type === "presence" ? [change] : [];
  });
}

/** The numbers from the first to the last: offsets without a hole. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
