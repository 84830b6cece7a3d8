// The finished runs: open a report, compare two, ask a missed question again.

const box = element.querySelector('.runs');
const frame = () => document.querySelector('#report iframe');
const chosen = new Set();

const open = (...names) => {
  frame().src = `reports?${names.map((name) => `run=${encodeURIComponent(name)}`).join('&')}`;
  frame().parentElement.classList.add('filled');
  if (isNarrow()) goTo(frame());
};

function row({ name, cases, grades, missed }) {
  const counts = Object.entries(grades).map(([grade, count]) => `${count} ${grade}`).join(', ');
  const pick = el('input');
  pick.type = 'checkbox';
  pick.checked = chosen.has(name);
  pick.setAttribute('aria-label', `Compare ${name}`);
  pick.addEventListener('change', () => {
    if (pick.checked) chosen.add(name);
    else chosen.delete(name);
    render();
  });
  const item = el('li', '', pick, el('div', 'about', el('b', '', name),
    el('span', 'facts', ` ${cases} questions: ${counts}`),
    el('div', 'actions', button('', 'Report', () => open(name)))));
  if (missed.length) {
    const list = el('ul', '', ...missed.map((question) => {
      const anchor = el('a', '', question);
      anchor.href = `./?q=${encodeURIComponent(question)}`;
      return el('li', '', anchor);
    }));
    item.querySelector('.about').append(el('details', '', el('summary', '', 'Missed questions'), list));
  }
  return item;
}

function render() {
  const { runs, compared } = props.value || { runs: [] };
  const names = runs.map(({ name }) => name).filter((name) => chosen.has(name));
  const both = names.length === 2
    && button('again', 'Compare the two', () => open(...names.reverse()));
  box.replaceChildren(...[
    el('h2', '', runs.length ? 'Runs' : 'No runs yet'), both,
    el('ol', 'sources', ...runs.map(row)),
    compared && el('details', '', el('summary', '', 'What changed between the two newest'),
      el('pre', '', compared)),
  ].filter((part) => part));
}

render();
watch('value', render);
