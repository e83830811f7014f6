// Colours live in the page's style sheet; this reads them and switches between dark and light.
const root = document.documentElement;
const preferred = matchMedia('(prefers-color-scheme: dark)');
const listeners = [];
let chosen = null;

const people = { dark: ['#b4bcc6', '#c9a0dc', '#6fcf97', '#e8d36a', '#e58f8f'], light: ['#5d6570', '#7d4b9a', '#1f7a4d', '#8a7412', '#a8403f'] };

export const isDark = () => root.dataset.theme === 'dark';
export const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
export const personColour = (i) => {
  const list = people[isDark() ? 'dark' : 'light'];
  return list[i % list.length];
};
export const onTheme = (listener) => listeners.push(listener);

function apply() {
  root.dataset.theme = chosen ?? (preferred.matches ? 'dark' : 'light');
  const button = document.getElementById('theme');
  button.lastElementChild.textContent = isDark() ? 'Light' : 'Dark';
  button.setAttribute('aria-label', `Switch to ${isDark() ? 'light' : 'dark'} colours`);
  for (const listener of listeners) listener();
}

export function toggleTheme() {
  chosen = isDark() ? 'light' : 'dark';
  apply();
}

export function startTheme() {
  document.getElementById('theme').addEventListener('click', toggleTheme);
  preferred.addEventListener('change', apply);
  apply();
}
