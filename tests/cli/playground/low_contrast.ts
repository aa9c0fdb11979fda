/// <reference lib="dom" />

/**
 * Finds every text whose contrast with its background is below 4.5 (WCAG 2.2, 1.4.3), with the
 * ratio. Runs inside the page, and so refers to nothing outside itself.
 */
export function lowContrast(): string[] {
  function parse(color: string): { rgb: number[]; alpha: number } {
    const [red = 0, green = 0, blue = 0, alpha = 1] = (color.match(/[\d.]+/g) ?? []).map(Number);
    return { rgb: [red, green, blue], alpha };
  }
  function luminance(rgb: readonly number[]): number {
    const [red = 0, green = 0, blue = 0] = rgb.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }
  function backgroundOf(element: Element): number[] {
    // A text in the diagram is on the shape before it.
    const shape = element instanceof SVGTextElement ? element.previousElementSibling : null;
    if (shape) return parse(getComputedStyle(shape).fill).rgb;
    for (let at: Element | null = element; at; at = at.parentElement) {
      const { rgb, alpha } = parse(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return rgb;
    }
    return [255, 255, 255];
  }
  const found: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = node.textContent?.trim();
    if (!element || !text || !element.checkVisibility() || element.closest(".hidden, noscript")) continue;
    const style = getComputedStyle(element);
    const color = parse(element instanceof SVGTextElement ? style.fill : style.color).rgb;
    const [light = 0, dark = 0] = [luminance(color), luminance(backgroundOf(element))].sort((one, other) =>
      other - one
    );
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${text}`);
  }
  return found;
}
