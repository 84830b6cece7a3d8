// Filters the list of cases and opens the one that the address names. Without it the list is whole.
'use strict';

const cases = [...document.querySelectorAll('.case')];
const form = document.querySelector('#filters');
const buttons = [...form.querySelectorAll('[data-show]')];
const tag = document.querySelector('#tag');
const search = document.querySelector('#search');
const shown = document.querySelector('#shown');
const nothing = document.querySelector('#nothing');
const words = new Map(); // case -> what the search looks through, read when it is first needed
let kind = 'all';

function wordsOf(item) {
  if (!words.has(item)) {
    const said = item.querySelectorAll('.asked, .id, .wanted, .answer, .failure, blockquote');
    words.set(item, [...said].map((part) => part.textContent).join(' ').toLowerCase());
  }
  return words.get(item);
}

function isShown(item) {
  if (kind !== 'all' && !item.dataset.kinds.split(' ').includes(kind)) return false;
  if (tag.value && !JSON.parse(item.dataset.tags).includes(tag.value)) return false;
  const sought = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  return sought.every((word) => wordsOf(item).includes(word));
}

function show() {
  let count = 0;
  for (const item of cases) {
    item.hidden = !isShown(item);
    count += !item.hidden;
  }
  shown.textContent = `${count} of ${cases.length} case${cases.length === 1 ? '' : 's'}`;
  nothing.hidden = count > 0;
}

function choose(chosen) {
  kind = chosen;
  for (const button of buttons) button.setAttribute('aria-pressed', button.dataset.show === kind);
  show();
}

function reset() {
  tag.value = '';
  search.value = '';
  choose('all');
}

// What an address names, whichever of its characters are written as %XX.
function named(hash) {
  const plain = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  const name = hash.slice(1);
  return document.getElementById(name) || cases.find((item) => plain(item.id) === plain(name));
}

function open() {
  const target = location.hash && named(location.hash);
  if (!target) return;
  const item = target.closest('.case');
  if (item && item.hidden) reset();
  for (let part = target; part; part = part.parentElement) {
    if (part.tagName === 'DETAILS') part.open = true;
  }
  target.scrollIntoView();
}

let waiting;
for (const button of buttons) button.addEventListener('click', () => choose(button.dataset.show));
tag.addEventListener('change', show);
search.addEventListener('input', () => {
  clearTimeout(waiting);
  waiting = setTimeout(show, 120);
});
form.addEventListener('submit', (event) => event.preventDefault());
addEventListener('hashchange', open);
form.hidden = false;
reset();
open();
