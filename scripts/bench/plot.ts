/**
 * Draws small plots as SVG.
 *
 * @module
 */

/** A panel with one curve. */
export interface Panel {
  /** The title, with the unit. */
  readonly title: string;
  /** The points, from left to right; both coordinates are positive. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

const [width, height, gap] = [210, 150, 60];

/**
 * Draws panels side by side, with a logarithmic x axis, and a y axis that starts at 0.
 *
 * @param panels The panels.
 * @param label The label of the x axis.
 * @returns The SVG.
 */
export function plot(panels: readonly Panel[], label: string): string {
  const [all, high] = [panels.length * (width + gap) + 20, height + 80];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${all} ${high}" width="${all}" ` +
    `height="${high}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...panels.flatMap((panel, index) => draw(panel, index * (width + gap) + gap - 5)),
    `<text x="${all / 2}" y="${high - 10}" text-anchor="middle">${label}</text>`,
    "</svg>\n",
  ].join("\n");
}

function draw({ title, points }: Panel, left: number): string[] {
  const top = 30;
  const most = roundUp(Math.max(...points.map(([, y]) => y)));
  const logs = points.map(([x]) => Math.log10(x));
  const [first, last] = [Math.min(...logs), Math.max(...logs)];
  const at = ([x, y]: readonly [number, number]) =>
    [
      left + ((Math.log10(x) - first) / (last - first || 1)) * width,
      top + height * (1 - y / most),
    ].map((each) => each.toFixed(1)).join(",");
  const lines = [0, 0.5, 1].flatMap((part) => {
    const y = top + height * (1 - part);
    return [
      `<path d="M${left} ${y}h${width}" stroke="#ddd"/>`,
      `<text x="${left - 6}" y="${y + 4}" text-anchor="end">${
        Number((most * part).toPrecision(3))
      }</text>`,
    ];
  });
  return [
    `<text x="${left}" y="18" font-weight="bold">${title}</text>`,
    ...lines,
    `<polyline points="${points.map(at).join(" ")}" fill="none" stroke="#06c" stroke-width="2"/>`,
    ...points.flatMap((point) => {
      const [x = "", y = ""] = at(point).split(",");
      return [
        `<circle cx="${x}" cy="${y}" r="3" fill="#06c"/>`,
        `<text x="${x}" y="${top + height + 16}" text-anchor="middle">${
          point[0].toLocaleString("en")
        }</text>`,
      ];
    }),
  ];
}

/** Rounds up to 1, 2, 5 or 10 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}
