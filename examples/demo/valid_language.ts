/**
 * uPlot asks Intl for the numbers of the browser's language as it is loaded. Chromium calls this en-US@posix
 * where LANG is C, a name that Intl refuses with an error; the page would not start. To be imported before
 * uPlot.
 */
function isLanguage(name: string): boolean {
  try {
    return Intl.getCanonicalLocales(name).length > 0;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

if (!isLanguage(navigator.language)) Object.defineProperty(navigator, 'language', { value: 'en' });
