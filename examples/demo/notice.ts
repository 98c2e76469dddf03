/** A line over the page's lower edge, so that nothing moves when it comes and goes. */
import { byId } from './elements.ts';

const notice = byId('notice');

byId('notice-close').addEventListener('click', () => showNotice(null));

export function showNotice(text: string | null): void {
  notice.hidden = text === null;
  byId('notice-text').textContent = text;
}
