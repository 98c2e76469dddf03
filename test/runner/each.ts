/** A row of the table of `it.each`: the arguments of one case, or its only argument. */
export type EachRow = readonly unknown[] | unknown;

/** The arguments that a row of a table stands for. */
export const argumentsOf = (row: EachRow): readonly unknown[] => (Array.isArray(row) ? row : [row]);

/**
 * The title of the case of row `index`, as jest writes it: %s and its like take one argument after another,
 * %# the index, %% is a sign, and $name a property of the row.
 */
export function titleOf(template: string, row: EachRow, index: number): string {
  const left = [...argumentsOf(row)];
  const filled = template.replace(/%([sdifjop#%])/g, (placeholder, kind: string) => {
    if (kind === '%') return '%';
    if (kind === '#') return String(index);
    return left.length === 0 ? placeholder : written(left.shift(), kind);
  });
  return filled.replace(/\$(\w+)/g, (placeholder, name: string) =>
    typeof row === 'object' && row !== null && Object.hasOwn(row, name)
      ? written(Reflect.get(row, name), 'p')
      : placeholder,
  );
}

function written(value: unknown, kind: string): string {
  switch (kind) {
    case 'd':
    case 'f':
      return String(Number(value));
    case 'i':
      return String(Math.trunc(Number(value)));
    case 's':
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    default:
      return JSON.stringify(value) ?? String(value);
  }
}
