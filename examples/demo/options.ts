/** What can be chosen on the page, and in its address: `?temperature=4&backend=webgl`. */
import { BACKENDS, type BackendName } from './backend.ts';

export interface Options {
  epochs: number;
  batchSize: number;
  temperature: number;
  alpha: number;
  teacherUnits: number;
  studentUnits: number;
  /** The digit that the students never see, or -1 if they see all. */
  hiddenDigit: number;
  trainingImages: number;
  testImages: number;
  seed: number;
}

interface NumberOption {
  label: string;
  hint: string;
  min: number;
  max: number;
  step: number;
  initial: number;
  /** Names of the values, for an option that is a list. */
  names?: Record<number, string>;
}

export const NUMBER_OPTIONS: Record<keyof Options, NumberOption> = {
  epochs: {
    label: 'Epochs',
    hint: 'passes over the training images',
    min: 1,
    max: 50,
    step: 1,
    initial: 5,
  },
  batchSize: { label: 'Batch size', hint: 'images in a step', min: 8, max: 1024, step: 1, initial: 64 },
  temperature: {
    label: 'Temperature T',
    hint: 'softens the targets of the student',
    min: 0.5,
    max: 32,
    step: 0.1,
    initial: 8,
  },
  alpha: {
    label: 'Alpha',
    hint: 'weight of the true labels, the rest is the teacher’s',
    min: 0,
    max: 1,
    step: 0.05,
    initial: 0,
  },
  teacherUnits: {
    label: 'Teacher units',
    hint: 'in each of two hidden layers',
    min: 8,
    max: 1200,
    step: 1,
    initial: 400,
  },
  studentUnits: {
    label: 'Student units',
    hint: 'in each of two hidden layers',
    min: 2,
    max: 800,
    step: 1,
    initial: 64,
  },
  hiddenDigit: {
    label: 'Hide from students',
    hint: 'the teacher sees all ten',
    min: -1,
    max: 9,
    step: 1,
    initial: 3,
    names: {
      [-1]: 'no digit',
      ...Object.fromEntries(Array.from({ length: 10 }, (_, digit) => [digit, `every ${digit}`])),
    },
  },
  trainingImages: {
    label: 'Training images',
    hint: 'of the 20,000 that the page loads',
    min: 100,
    max: 20_000,
    step: 1,
    initial: 10_000,
  },
  testImages: {
    label: 'Test images',
    hint: 'counted at the end',
    min: 100,
    max: 10_000,
    step: 1,
    initial: 10_000,
  },
  seed: {
    label: 'Seed',
    hint: 'of weights and of the order',
    min: 0,
    max: 999_999,
    step: 1,
    initial: 1,
  },
};

const NAMES = Object.keys(NUMBER_OPTIONS) as (keyof Options)[];

/** The options of an address; what is missing or out of range takes its initial value. */
export function optionsFromAddress(search: string): Options {
  const parameters = new URLSearchParams(search);
  const chosen = (name: keyof Options): number => {
    const { min, max, initial } = NUMBER_OPTIONS[name];
    const value = Number.parseFloat(parameters.get(name) ?? '');
    return value >= min && value <= max ? value : initial;
  };
  return Object.fromEntries(NAMES.map((name) => [name, chosen(name)])) as Record<keyof Options, number>;
}

/** The backend of an address, or 'auto'. */
export function backendFromAddress(search: string): BackendName | 'auto' {
  const name = new URLSearchParams(search).get('backend');
  return BACKENDS.find((backend) => backend === name) ?? 'auto';
}

/** An address that leads to these options again. */
export function addressOf(options: Options, backend: BackendName | 'auto'): string {
  const parameters = new URLSearchParams();
  if (backend !== 'auto') parameters.set('backend', backend);
  for (const name of NAMES) {
    if (options[name] !== NUMBER_OPTIONS[name].initial) parameters.set(name, String(options[name]));
  }
  return `?${parameters}`;
}

type Field = HTMLInputElement | HTMLSelectElement;

/** One labelled field per option. */
export class OptionsForm {
  private readonly fields = new Map<keyof Options, Field>();

  constructor(
    private readonly fieldset: HTMLFieldSetElement,
    options: Options,
    onChange: (options: Options) => void,
  ) {
    for (const name of NAMES) this.add(name, options[name]);
    fieldset.addEventListener('change', () => {
      for (const field of this.fields.values()) if (!field.reportValidity()) return;
      onChange(this.options);
    });
  }

  get options(): Options {
    const entries = [...this.fields].map(([name, field]) => [name, Number(field.value)]);
    return Object.fromEntries(entries) as Record<keyof Options, number>;
  }

  set isEnabled(enabled: boolean) {
    this.fieldset.disabled = !enabled;
  }

  private add(name: keyof Options, value: number): void {
    const { label, hint } = NUMBER_OPTIONS[name];
    const field = fieldOf(NUMBER_OPTIONS[name]);
    field.id = `option-${name}`;
    field.name = name;
    field.value = String(value);
    field.setAttribute('aria-describedby', `hint-${name}`);
    const text = document.createElement('label');
    text.htmlFor = field.id;
    text.textContent = label;
    const explanation = document.createElement('small');
    explanation.id = `hint-${name}`;
    explanation.textContent = hint;
    const cell = document.createElement('div');
    cell.append(text, field, explanation);
    this.fieldset.append(cell);
    this.fields.set(name, field);
  }
}

function fieldOf({ min, max, step, names }: NumberOption): Field {
  if (names) {
    const list = document.createElement('select');
    for (let value = min; value <= max; value += step) list.add(new Option(names[value], String(value)));
    return list;
  }
  const field = document.createElement('input');
  return Object.assign(field, { type: 'number', min, max, step, required: true });
}
