/// <reference lib="dom" />

/**
 * Runs in the page: lists visible controls below 40 px in width or height. The target of a radio
 * button or checkbox is its label.
 */
export function smallTargets(): string[] {
  const controls = document.querySelectorAll<HTMLElement>("button, a[href], input, select, summary");
  return [...controls].flatMap((control) => {
    const target = control.closest("label") ?? control;
    if (!target.checkVisibility()) return [];
    const { width, height } = target.getBoundingClientRect();
    if (width >= 40 && height >= 40) return [];
    return [`${control.id || target.textContent} is ${width} x ${height}`];
  });
}
