/**
 * Stack of resources, because Deno 2.1.4 has no AsyncDisposableStack. `await using` ends the last
 * first.
 */
export class Disposables implements AsyncDisposable {
  #resources: AsyncDisposable[] = [];

  /** Adds a resource and returns it. */
  use<T extends AsyncDisposable>(resource: T): T {
    this.#resources.push(resource);
    return resource;
  }

  /** Moves all resources to a new stack. */
  move(): Disposables {
    const moved = new Disposables();
    moved.#resources = this.#resources;
    this.#resources = [];
    return moved;
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
    if (errors.length > 0) throw new AggregateError(errors, "Some resources could not be ended.");
  }
}
