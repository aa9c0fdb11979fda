/** Set of users in rooms; undefined stands for any. */
export interface Scope {
  readonly room: string | undefined;
  readonly userId: string | undefined;
}

/** Map with one value for each user in each room. */
export class ByRoomAndUser<Value> {
  readonly #rooms = new Map<string, Map<string, Value>>();

  get(room: string, userId: string): Value | undefined {
    return this.#rooms.get(room)?.get(userId);
  }

  set(room: string, userId: string, value: Value): void {
    const users = this.#rooms.get(room);
    if (users) users.set(userId, value);
    else this.#rooms.set(room, new Map([[userId, value]]));
  }

  delete(room: string, userId: string): void {
    const users = this.#rooms.get(room);
    if (!users?.delete(userId)) return;
    if (users.size === 0) this.#rooms.delete(room);
  }

  /** Returns all values of a scope. The copy allows changes of the map during a loop over it. */
  within({ room, userId }: Scope): Value[] {
    const one = room === undefined ? undefined : this.#rooms.get(room);
    const rooms = room === undefined ? [...this.#rooms.values()] : one ? [one] : [];
    if (userId === undefined) return rooms.flatMap((users) => [...users.values()]);
    return rooms.flatMap((users) => {
      const value = users.get(userId);
      return value === undefined ? [] : [value];
    });
  }
}
