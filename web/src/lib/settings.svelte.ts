// Language and colours, which every component reads.
import type {Text} from './types';
import {ownWord} from './words';

export type Lang = 'en' | 'zh';
export type Theme = 'auto' | 'light' | 'dark';
const THEMES: Theme[] = ['auto', 'light', 'dark'];

const read = (key: string) => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;  // browsers may refuse storage to a file
  }
};
const keep = (key: string, value: string) => {
  try {
    localStorage.setItem(key, value);
  } catch {
    // then it holds until the page is closed
  }
};

const storedTheme = read('visavis-theme') as Theme | null;
export const settings = $state({
  lang: 'en' as Lang,
  theme: storedTheme && THEMES.includes(storedTheme) ? storedTheme : ('auto' as Theme),
  given: {} as Record<string, Text>,  // words that came with a report
});

/** The language: what the user chose earlier, else what the data or the browser says. */
export function startLanguage(suggested?: string) {
  const chosen = read('visavis-lang') ?? suggested ?? navigator.language;
  settings.lang = chosen.startsWith('zh') ? 'zh' : 'en';
}
export function switchLanguage() {
  settings.lang = settings.lang === 'zh' ? 'en' : 'zh';
  keep('visavis-lang', settings.lang);
}
export function switchTheme() {
  settings.theme = THEMES[(THEMES.indexOf(settings.theme) + 1) % THEMES.length]!;
  keep('visavis-theme', settings.theme);
}

/** A word in the current language; an unknown key gives itself, which tests look for. */
export const word = (key: string) =>
    (ownWord(key) ?? settings.given[key])?.[settings.lang] ?? key;
export const say = (text: Text | null | undefined) => (text ? text[settings.lang] : '');
