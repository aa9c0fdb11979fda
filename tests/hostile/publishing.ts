import { assert } from "@std/assert";
import type { TcpMember } from "../../tools/support/wire/tcp_member.ts";

/** Messages to publish. */
export interface Load {
  readonly count: number;
  /** Length of each message's data, in characters. */
  readonly size: number;
  readonly ephemeral?: boolean;
  /** Adds a short durable message to each WebSocket message. */
  readonly withDurable?: boolean;
}

/** Limit for the data of a WebSocket message; the other fields need the rest. */
const MESSAGE_LENGTH = 60_000;
/** Number of WebSocket messages without an answer at a time. */
const AHEAD = 4;
let lastId = 0;

/** Publishes as fast as acks arrive; resolves with the number of durable messages. */
export async function publishAll(
  member: TcpMember,
  { count, size, ephemeral = false, withDurable = false }: Load,
): Promise<number> {
  const data = "x".repeat(size);
  const together = Math.min(100, Math.max(1, Math.floor(MESSAGE_LENGTH / (size + 100))));
  const lastIds: string[] = [];
  let durable = 0;
  for (let published = 0; published < count; published += together) {
    const frames = Array.from({ length: Math.min(together, count - published) }, () => ({
      type: "publish",
      id: `load ${++lastId}`,
      event: "load",
      data,
      ephemeral,
    }));
    if (withDurable) {
      frames.push({ type: "publish", id: `load ${++lastId}`, event: "load", data: "", ephemeral: false });
    }
    durable += frames.filter((frame) => !frame.ephemeral).length;
    await member.send(frames);
    lastIds.push(frames.at(-1)?.id ?? "");
    if (lastIds.length > AHEAD) await acked(member, lastIds.shift());
  }
  for (const id of lastIds) await acked(member, id);
  return durable;
}

async function acked(member: TcpMember, id: string = ""): Promise<void> {
  const { type } = await member.answer(id);
  assert(type === "ack", `${id} was answered with ${type}`);
}
