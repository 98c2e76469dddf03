/** Where a digit comes from: a grid of test images to click, or a pad to draw on. */
import { type ByteExamples, DIGITS, IMAGE_SIDE, IMAGE_SIZE } from './mnist_in_browser.ts';
import { centred } from './pad_image.ts';

export interface ChosenDigit {
  /** IMAGE_SIZE grey levels in [0, 1]. */
  image: Float32Array;
  /** Of a test image; a drawing has none. */
  label: number | null;
}

/** Test images as radio buttons: one stop of the tab key, arrows move and choose. */
export class DigitPicker {
  private buttons: HTMLButtonElement[] = [];

  constructor(
    private readonly group: HTMLElement,
    private readonly onChoose: (index: number) => void,
  ) {
    group.addEventListener('keydown', (event) => this.move(event));
  }

  /**
   * @param indices test images to show.
   * @param chosen place in `indices` of the one to choose.
   */
  show(test: ByteExamples, indices: number[], chosen: number): void {
    this.buttons = indices.map((index) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.dataset.index = String(index);
      button.setAttribute('role', 'radio');
      button.setAttribute('aria-label', `Test image ${index}, a ${test.labels[index]}`);
      button.append(thumbnail(test, index));
      button.addEventListener('click', () => this.choose(button));
      return button;
    });
    this.group.replaceChildren(...this.buttons);
    if (chosen < this.buttons.length) this.choose(this.buttons[chosen]);
  }

  /** No image is chosen, as when one draws. */
  clear(): void {
    for (const button of this.buttons) button.setAttribute('aria-checked', 'false');
  }

  private choose(chosen: HTMLButtonElement): void {
    for (const button of this.buttons) {
      button.setAttribute('aria-checked', String(button === chosen));
      button.tabIndex = button === chosen ? 0 : -1;
    }
    this.onChoose(Number(chosen.dataset.index));
  }

  private move(event: KeyboardEvent): void {
    const from = this.buttons.indexOf(document.activeElement as HTMLButtonElement);
    const columns = getComputedStyle(this.group).gridTemplateColumns.split(' ').length;
    const last = this.buttons.length - 1;
    const steps: Record<string, number> = {
      ArrowRight: from + 1,
      ArrowLeft: from - 1,
      ArrowDown: from + columns,
      ArrowUp: from - columns,
      Home: 0,
      End: last,
    };
    const to = steps[event.key];
    if (from < 0 || to === undefined) return;
    event.preventDefault();
    const button = this.buttons[Math.min(Math.max(to, 0), last)];
    button.focus();
    this.choose(button);
  }
}

function thumbnail({ images }: ByteExamples, index: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = IMAGE_SIDE;
  const context = canvas.getContext('2d');
  const pixels = new ImageData(IMAGE_SIDE, IMAGE_SIDE);
  for (let i = 0; i < IMAGE_SIZE; i++) {
    const grey = images[index * IMAGE_SIZE + i];
    pixels.data.set([grey, grey, grey, 255], 4 * i);
  }
  context?.putImageData(pixels, 0, 0);
  return canvas;
}

/** `perDigit` test images of each digit, from `start` on. */
export function someOfEach(test: ByteExamples, perDigit: number, start: number): number[] {
  const found: number[][] = Array.from({ length: DIGITS }, () => []);
  for (let step = 0; step < test.count; step++) {
    const index = (start + step) % test.count;
    const same = found[test.labels[index]];
    if (same.length < perDigit) same.push(index);
  }
  return Array.from({ length: perDigit }, (_, k) => found.flatMap((same) => same.slice(k, k + 1))).flat();
}

/** A canvas to draw on with a mouse, a pen or a finger, in the resolution of the screen. */
export class DrawingPad {
  private readonly context: CanvasRenderingContext2D;
  private last: { x: number; y: number } | null = null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly onDraw: (image: Float32Array) => void,
  ) {
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('This browser has no 2D canvas.');
    this.context = context;
    this.clear();
    canvas.addEventListener('pointerdown', (event) => this.begin(event));
    canvas.addEventListener('pointermove', (event) => this.stroke(event));
    for (const end of ['pointerup', 'pointercancel'] as const) {
      canvas.addEventListener(end, () => {
        this.last = null;
      });
    }
  }

  clear(): void {
    const { width, height } = this.canvas;
    this.context.fillStyle = '#000';
    this.context.fillRect(0, 0, width, height);
  }

  private begin(event: PointerEvent): void {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.place(event);
    this.stroke(event);
  }

  private stroke(event: PointerEvent): void {
    if (this.last === null) return;
    const { context, canvas } = this;
    context.strokeStyle = '#fff';
    context.lineCap = context.lineJoin = 'round';
    context.lineWidth = canvas.width / 13;
    for (const between of event.getCoalescedEvents?.() ?? [event]) {
      const to = this.place(between);
      context.beginPath();
      context.moveTo(this.last.x, this.last.y);
      context.lineTo(to.x, to.y);
      context.stroke();
      this.last = to;
    }
    this.onDraw(this.image());
  }

  private place(event: PointerEvent): { x: number; y: number } {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * this.canvas.width,
      y: ((event.clientY - box.top) / box.height) * this.canvas.height,
    };
  }

  private image(): Float32Array {
    const { width, height } = this.canvas;
    const { data } = this.context.getImageData(0, 0, width, height);
    const grey = Float32Array.from({ length: width * height }, (_, i) => data[4 * i] / 255);
    return centred(grey, width);
  }
}
