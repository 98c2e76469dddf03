/** Live curves: one line per network over the training images seen. */
import './valid_language.ts';
import uPlot from 'uplot';
import { NAMES, NETWORKS } from './networks.ts';
import type { NetworkName } from './training.ts';

interface Axis {
  scale: uPlot.Scale;
  /** Values below are drawn here. */
  least: number;
  /** A value for the legend and the axis. */
  text(value: number): string;
}

/** px: beside the digits there is more room than in one column. */
const HEIGHT = { beside: 260, alone: 220 };
const isBeside = matchMedia('(min-width: 941px)');

export class Chart {
  private readonly points = new Map<NetworkName, Map<number, number>>(NAMES.map((name) => [name, new Map()]));
  private plot: uPlot | null = null;
  private isDrawPending = false;

  constructor(
    private readonly place: HTMLElement,
    private readonly axis: Axis,
  ) {
    this.create();
    new ResizeObserver(() => this.plot?.setSize(this.size)).observe(place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.create());
  }

  add(imagesSeen: number, values: Partial<Record<NetworkName, number>>): void {
    for (const name of NAMES) {
      const value = values[name];
      if (value === undefined || Number.isNaN(value)) continue;
      this.points.get(name)?.set(imagesSeen, Math.max(value, this.axis.least));
    }
    this.draw();
  }

  clear(): void {
    for (const points of this.points.values()) points.clear();
    this.draw();
  }

  private get size(): { width: number; height: number } {
    return {
      width: Math.max(this.place.clientWidth, 200),
      height: isBeside.matches ? HEIGHT.beside : HEIGHT.alone,
    };
  }

  private draw(): void {
    if (this.isDrawPending) return;
    this.isDrawPending = true;
    requestAnimationFrame(() => {
      this.isDrawPending = false;
      this.plot?.setData(this.data);
    });
  }

  private get data(): uPlot.AlignedData {
    const lines = NAMES.map((name) => {
      const sorted = [...(this.points.get(name) ?? [])];
      return [sorted.map(([x]) => x), sorted.map(([, y]) => y)] as uPlot.AlignedData;
    });
    return uPlot.join(lines);
  }

  private create(): void {
    this.plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const color = (variable: string) => style.getPropertyValue(variable).trim();
    const axis: uPlot.Axis = {
      stroke: color('--muted'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { show: false },
      font: `12px ${style.fontFamily}`,
    };
    const { text, scale } = this.axis;
    this.plot = new uPlot(
      {
        ...this.size,
        padding: [8, 12, 0, 0],
        cursor: { points: { size: 7 }, drag: { x: false, y: false } },
        legend: { live: true },
        scales: { x: { time: false, range: rangeOfImages }, y: scale },
        axes: [
          {
            ...axis,
            size: 28,
            space: 60,
            values: (plot, ticks) => ticks.map((tick) => (isEmpty(plot) ? '' : thousands(tick))),
          },
          { ...axis, size: 48, values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : text(tick))) },
        ],
        series: [
          { label: 'Images', value: legendText((images) => images.toLocaleString('en')) },
          ...NAMES.map(
            (name): uPlot.Series => ({
              label: NETWORKS[name].short,
              stroke: color(NETWORKS[name].color),
              width: 2,
              dash: NETWORKS[name].dash,
              spanGaps: true,
              points: { show: false },
              value: legendText(text),
            }),
          ),
        ],
      },
      this.data,
      this.place,
    );
  }
}

/** A value under the cursor, and without a cursor, as on a phone, the latest. */
function legendText(text: (value: number) => string): uPlot.Series.Value {
  return (plot, value, series, index) => {
    const shown =
      index === null ? [...plot.data[series]].findLast((point) => typeof point === 'number') : value;
    return typeof shown === 'number' ? text(shown) : '–';
  };
}

const isEmpty = (plot: uPlot) => plot.data[0].length === 0;

/** uPlot leaves out an axis without a range, and cuts the lowest number of the other one in half. */
const rangeOfImages: uPlot.Range.Function = (plot, least, most) =>
  isEmpty(plot) ? [0, 1] : [least, Math.max(most, least + 1)];

function thousands(images: number): string {
  return images >= 1000 ? `${images / 1000}k` : String(images);
}
