/// <reference lib="dom" />

/** Attributes by name; true stands for an empty one, false and undefined for none. */
export type Attributes = Readonly<Record<string, string | boolean | undefined>>;

/** Creates an element. Children that are strings become text: nothing that somebody wrote is ever read as HTML. */
export function createElement<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}
