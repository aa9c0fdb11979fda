/** What has to be ended, last taken first: Deno 2.1.4 has no AsyncDisposableStack. `await using` ends all of it. */
export class Owned implements AsyncDisposable {
  #resources: AsyncDisposable[] = [];

  /** Takes a resource over, and gives it back for use. */
  use<T extends AsyncDisposable>(resource: T): T {
    this.#resources.push(resource);
    return resource;
  }

  /** Hands everything over to a new owner. */
  move(): Owned {
    const owner = new Owned();
    owner.#resources = this.#resources;
    this.#resources = [];
    return owner;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (;;) {
      const resource = this.#resources.pop();
      if (!resource) break;
      try {
        await resource[Symbol.asyncDispose]();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, "Not all could be ended.");
  }
}
