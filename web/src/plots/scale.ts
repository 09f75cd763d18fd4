import {ticks} from 'd3-array';

/** Positions of round numbers between 0 and most, and where each value lies on [from, to]. */
export function axis(most: number, from: number, to: number, count = 4) {
  const top = most > 0 ? most : 1;
  return {
    at: (value: number) => from + (value / top) * (to - from),
    ticks: ticks(0, top, count).filter(tick => tick <= top),
  };
}

export const modelColor = (model: number) => `var(--model-${model % 6})`;

/** Marks differ in shape as well as colour. Centred at (x, y). */
export function mark(model: number, x: number, y: number, r = 5): string {
  switch (model % 4) {
    case 0:
      return `M${x - r},${y}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0z`;
    case 1:
      return `M${x - r},${y - r}h${2 * r}v${2 * r}h${-2 * r}z`;
    case 2:
      return `M${x},${y - r * 1.25}L${x + r * 1.2},${y + r}H${x - r * 1.2}z`;
    default:
      return `M${x},${y - r * 1.35}L${x + r * 1.35},${y}L${x},${y + r * 1.35}L${x - r * 1.35},${y}z`;
  }
}
export const dashes = (model: number) => ['none', '6 3', '2 3', '8 3 2 3'][model % 4]!;
