import { BackplaneUnavailable, type PageRequest, type Stored } from "../backplane/contract.ts";
import type { RoomLimits } from "../../../protocol/limits.ts";
import { CLOSE } from "../../../protocol/close_codes.ts";
import type { Socket, SocketHandlers } from "../socket/socket.ts";
import { ConnectionWatch } from "./connection_watch.ts";
import type { EvictionTarget } from "./eviction/eviction_command.ts";
import { followPermissions } from "./policy/follow_permissions.ts";
import { pageText, presentText } from "./outbound/frame_text.ts";
import { join } from "./join.ts";
import { pageOfRooms, type RoomList, type RoomListQuery } from "./list_rooms.ts";
import type { JoinRequest } from "./join_request.ts";
import { exclusionNotice, ForeignConnection } from "./exclusion_notice.ts";
import { Member, type MemberConnection } from "./member.ts";
import type { Membership } from "./membership.ts";
import { pageTexts } from "./read_history.ts";
import { MemberFrames } from "./inbound/member_frames.ts";
import { Receiver } from "./inbound/receive.ts";
import { Room } from "./room.ts";
import { type Outgoing, send } from "./inbound/send.ts";
import { sendAll } from "./inbound/send_all.ts";
import { MemberHooks } from "./server_code/member_hooks.ts";
import type { RoomDeps } from "./room_deps.ts";
import type { AdmitToRoom } from "./shared/admission.ts";
import { SharedConnection } from "./shared/shared_connection.ts";

/** A room that has members here, or members that are joining. */
interface OpenRoom {
  readonly opening: Promise<Room>;
  /** The room, once it is open. */
  room?: Room;
  /** Live and joining members. */
  readonly members: Set<Member>;
}

/** The rooms that have members in this isolate. */
export class RoomRegistry {
  readonly deps: RoomDeps;
  readonly #rooms = new Map<string, OpenRoom>();
  readonly #hooks: MemberHooks;

  constructor(deps: RoomDeps) {
    this.deps = deps;
    this.#hooks = new MemberHooks(deps);
  }

  /** Limits that every member is told in `welcome`. */
  get limits(): RoomLimits {
    return this.deps.limits;
  }

  /** The reason why a room takes no more members right now, or undefined. */
  refusal(key: string): "room_full" | undefined {
    const members = this.#rooms.get(key)?.members.size ?? 0;
    return members >= this.deps.limits.max_members ? "room_full" : undefined;
  }

  /** Number of rooms and members. */
  count(): { readonly rooms: number; readonly members: number } {
    let members = 0;
    for (const held of this.#rooms.values()) members += held.members.size;
    return { rooms: this.#rooms.size, members };
  }

  /** Handlers of a room's own socket, as docs/protocol.md specifies them. */
  memberHandlers(request: JoinRequest): SocketHandlers {
    let watch: ConnectionWatch | undefined;
    let membership: Membership | undefined;
    let receiver: Receiver | undefined;
    return {
      onOpen: (socket) => {
        if (this.refusal(request.key)) return refuse(socket, "room_full");
        watch = new ConnectionWatch(socket, this.deps);
        membership = this.open(request, { watch, socket });
        watch.start(membership.member);
        receiver = new Receiver(watch, membership, this.deps);
        return membership.joined;
      },
      onMessage: (_socket, data) => receiver?.take(data),
      onDrain: (_socket, notice) => watch?.drain(notice),
      onClose: async (_socket, close) => {
        watch?.stop();
        await membership?.end(close);
      },
    };
  }

  /** Handlers of a socket for many rooms. `admit` decides about each join. */
  sharedHandlers(admit: AdmitToRoom): SocketHandlers {
    let connection: SharedConnection | undefined;
    return {
      onOpen: (socket) => void (connection = new SharedConnection({ socket, admit, rooms: this })),
      onMessage: (_socket, data) => connection?.take(data),
      onDrain: (_socket, notice) => connection?.drain(notice),
      onClose: (_socket, close) => connection?.gone(close),
    };
  }

  /** Opens a membership of a room that is not full. */
  open(request: JoinRequest, connection: MemberConnection): Membership {
    const held = this.#hold(request.key);
    const member = new Member(connection, request.key, request.permissions, this.deps);
    held.members.add(member);
    followPermissions(member, request);
    return {
      request,
      member,
      frames: new MemberFrames(member, request, this.deps),
      joined: this.#join(member, held, request),
      end: async (close) => {
        this.#release(request.key, held, member);
        await member.gone(close);
        await this.#hooks.leave(member);
      },
    };
  }

  /** Resolves when the hooks of members that have left are done, or after a few seconds. */
  async hooksDone(): Promise<void> {
    await this.#hooks.done();
  }

  /** A page of a room's history for a user, as JSON text: `epoch`, `messages`, `more`. */
  async page(key: string, request: PageRequest, userId: string): Promise<string> {
    const { backplane, reads } = this.deps;
    const page = await reads.run(userId, () => backplane.history(key, request));
    const { entries, more } = pageTexts(page, request);
    return pageText(page.epoch, entries, more);
  }

  /**
   * The room's position for a user, as JSON text: `epoch`, `offset`. Before the first message the
   * epoch is empty: a room that nobody has used has none yet.
   */
  async position(key: string, userId: string): Promise<string> {
    const { backplane, reads } = this.deps;
    // A page after all offsets has no messages, and so is cheap.
    const request = { after: Number.MAX_SAFE_INTEGER, limit: 1 };
    const { epoch, head } = await reads.run(userId, () => backplane.history(key, request));
    return JSON.stringify({ epoch: head > 0 ? epoch : "", offset: head });
  }

  /** The room's presence for a user, as JSON text: `members`. */
  async present(key: string, userId: string): Promise<string> {
    const { backplane, reads } = this.deps;
    return presentText(await reads.run(userId, () => backplane.present(key)));
  }

  /**
   * Publishes a message that did not come over a socket. Resolves with undefined when it was
   * ephemeral.
   * @throws {ForeignConnection} as a rejection, if `exclude` names another user's connection
   */
  async publish(key: string, message: Outgoing): Promise<Stored | undefined> {
    const { id, from: { user }, ephemeral, exclude } = message;
    if (exclude === undefined) return await send(key, message, this.deps);
    const room = await this.#rooms.get(key)?.opening.catch(() => undefined);
    const member = room?.member(exclude);
    if (member && member.user.id !== user) throw new ForeignConnection("The connection is another user's.");
    // An ephemeral message itself names the connection.
    if (ephemeral) return await send(key, message, this.deps);
    const note = member && room?.exclude(member, id);
    // Another isolate may have the connection. All events of a room share one order.
    if (!note) await this.deps.backplane.emit(key, exclusionNotice(user, id, exclude));
    const stored = await send(key, message, this.deps);
    if (note && stored) room?.stored(note, stored.offset);
    return stored;
  }

  /** A page of the rooms that have members here, of all endpoints. */
  list(query: RoomListQuery): RoomList {
    const open = [...this.#rooms].flatMap(([key, { room, members }]) => room ? [{ key, room, members }] : []);
    return pageOfRooms(open, query, ({ key, room, members }) => ({
      room: key,
      members: members.size,
      offset: room.recent.head,
      last_at: room.lastAt ?? null,
    }));
  }

  /**
   * Publishes messages that did not come over a socket, in their order. Resolves with one result
   * per message; undefined for an ephemeral one.
   */
  async publishAll(key: string, messages: readonly Outgoing[]): Promise<readonly (Stored | undefined)[]> {
    return await sendAll(key, messages, this.deps);
  }

  /** Evicts the members of a user, or one connection. Returns their number. */
  evict(key: string, { user, connection }: EvictionTarget, reason?: string): number {
    let evicted = 0;
    for (const member of this.#rooms.get(key)?.members ?? []) {
      if (member.isClosedByUs || (member.user.id !== user && member.connection !== connection)) continue;
      member.kick(reason);
      evicted++;
    }
    return evicted;
  }

  async #join(member: Member, held: OpenRoom, request: JoinRequest): Promise<void> {
    if (!await this.#hooks.join(member, request)) return;
    try {
      await join(member, await held.opening, request, this.deps);
    } catch (error) {
      if (!(error instanceof BackplaneUnavailable)) throw error;
      member.endFailed(error, CLOSE.tooSlow, "the room cannot be reached");
    }
  }

  #hold(key: string): OpenRoom {
    let held = this.#rooms.get(key);
    if (!held) {
      const opened: OpenRoom = { opening: this.#open(key), members: new Set() };
      void opened.opening.then((room) => opened.room = room, () => {/* its members learned of it */});
      this.#rooms.set(key, held = opened);
    }
    return held;
  }

  #open(key: string): Promise<Room> {
    const opening = Room.open(key, this.deps, forget);
    const rooms = this.#rooms;
    function forget(): void {
      if (rooms.get(key)?.opening === opening) rooms.delete(key);
    }
    // The next member tries again; those that wait for it learn of the failure.
    opening.catch(forget);
    return opening;
  }

  #release(key: string, held: OpenRoom, member: Member): void {
    held.members.delete(member);
    if (held.members.size > 0) return;
    if (this.#rooms.get(key) === held) this.#rooms.delete(key);
    void held.opening.then((room) => room.close(), () => {/* its members learned of it */});
  }
}

function refuse(socket: Socket, code: "room_full"): void {
  socket.sendError(code);
  socket.close(CLOSE.tooSlow, "the room is full");
}
