/** An element of index.html. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}.`);
  return element as E;
}

/** A new one. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  text = '',
): HTMLElementTagNameMap[Tag] {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

/** A row of a table body: what it is about, and cells. */
export function tableRow(
  head: readonly (string | Node)[],
  cells: readonly (string | Node)[],
): HTMLTableRowElement {
  const row = element('tr');
  const first = element('th');
  first.scope = 'row';
  first.append(...head);
  row.append(first);
  for (const content of cells) {
    const cell = element('td');
    cell.append(content);
    row.append(cell);
  }
  return row;
}
