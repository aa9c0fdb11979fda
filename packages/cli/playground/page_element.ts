/// <reference lib="dom" />

/**
 * An element of index.html by its id.
 * @throws {Error} when the page has none, or one of another kind
 */
export function pageElement<Kind extends Element>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`index.html has no ${kind.name} with the id ${id}.`);
}
