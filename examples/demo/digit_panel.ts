/** Where one chooses a digit: test images of some kind, or a drawing. */
import { type ChosenDigit, DigitPicker, DrawingPad, someOfEach } from './digits.ts';
import { byId } from './elements.ts';
import { type ByteExamples, DIGITS, greyLevels } from './mnist_in_browser.ts';

const SHOWN = 2 * DIGITS;

export class DigitPanel {
  private readonly source = byId<HTMLSelectElement>('source');
  private readonly picker = new DigitPicker(byId('picker'), (index) => {
    this.onChoose({ image: greyLevels(this.test, [index]), label: this.test.labels[index] });
  });
  /** Of the images of a kind, how many have been passed over. */
  private first = 0;
  /** In order of the teacher's doubt, once it is trained. */
  private leastSure: number[] = [];
  private hiddenDigit = -1;

  constructor(
    private readonly test: ByteExamples,
    private readonly onChoose: (digit: ChosenDigit) => void,
  ) {
    const pad = new DrawingPad(byId<HTMLCanvasElement>('pad'), (image) => {
      this.picker.clear();
      onChoose({ image, label: null });
    });
    byId('clear').addEventListener('click', () => pad.clear());
    byId('others').addEventListener('click', () => this.show({ from: this.first + SHOWN }));
    this.source.addEventListener('change', () => this.show({ from: 0 }));
  }

  /** What there is to choose from. */
  offer({ hiddenDigit, leastSure }: { hiddenDigit: number; leastSure: number[] }): void {
    this.hiddenDigit = hiddenDigit;
    this.leastSure = leastSure;
    this.source.options[1].disabled = leastSure.length === 0;
    this.source.options[2].disabled = hiddenDigit < 0;
    if (this.source.selectedOptions[0]?.disabled) this.source.value = 'each';
  }

  /** Shows images and chooses one, of the hidden digit if it is among them. */
  show({ from }: { from: number }): void {
    this.first = from;
    const all = this.imagesOfKind();
    const indices =
      all === null
        ? someOfEach(this.test, SHOWN / DIGITS, from)
        : Array.from({ length: SHOWN }, (_, k) => all[(from + k) % all.length]);
    const chosen = indices.findIndex((index) => this.test.labels[index] === this.hiddenDigit);
    this.picker.show(this.test, indices, Math.max(chosen, 0));
  }

  private imagesOfKind(): number[] | null {
    switch (this.source.value) {
      case 'unsure':
        return this.leastSure;
      case 'hidden':
        return Array.from(this.test.labels.keys()).filter(
          (index) => this.test.labels[index] === this.hiddenDigit,
        );
      default:
        return null;
    }
  }
}
