// The outlets, the articles found, and the one that is chosen with what may be done to it.

const counts = element.querySelector('.counts');
const list = element.querySelector('.articles');
const panel = () => document.querySelector('#article .shown');
let held = null; // what is listed
let chosen = null; // the id of the article that is shown

function outlets() {
  const most = Math.max(...held.outlets.map(([, count]) => count), 1);
  const rows = held.outlets.slice(0, 12).map(([name, count]) => {
    const bar = el('span', 'bar');
    bar.style.inlineSize = `${(100 * count) / most}%`;
    return el('li', '', el('span', 'name', name), el('span', 'track', bar),
      el('span', 'count', count.toLocaleString('en')));
  });
  const more = held.outlets.length - rows.length;
  counts.replaceChildren(
    el('h2', '', `${held.total.toLocaleString('en')} article${held.total === 1 ? '' : 's'}`),
    ...timeline(held.timeline),
    el('ol', 'outlets', ...rows),
    ...(more > 0 ? [el('p', 'quiet', `and ${more} more outlets`)] : []),
  );
}

// Bars to look at; for those who listen, the same in words and a table.
function timeline({ unit, bars }) {
  if (bars.length < 2) return [];
  const most = Math.max(...bars.map(([, count]) => count));
  const [name] = bars.find(([, count]) => count === most);
  const [first, last] = [bars[0][0], bars.at(-1)[0]];
  const drawn = bars.map(([when, count]) => {
    const bar = el('span', count ? 'bar' : '');
    bar.style.blockSize = `${(100 * count) / most}%`;
    bar.title = `${when}: ${count}`;
    return bar;
  });
  const chart = el('div', 'bars', ...drawn);
  chart.setAttribute('role', 'img');
  chart.setAttribute('aria-label',
    `Articles by ${unit} from ${first} to ${last}; most on ${name}: ${most}`);
  const rows = bars.filter(([, count]) => count).map(([when, count]) => (
    el('tr', '', el('th', '', when), el('td', '', count.toLocaleString('en')))));
  return [el('figure', 'timeline', chart, el('figcaption', 'quiet',
    el('span', '', first), el('span', '', `Articles by ${unit}`), el('span', '', last))),
  el('details', 'quiet', el('summary', '', 'The same as a table'), el('table', '', ...rows))];
}

function articles() {
  const rows = held.articles.map((article) => {
    const facts = el('span', 'facts', el('b', '', outletOf(article)), ` ${article.day || 'Undated'}`);
    for (const tag of article.tags) facts.append(' ', el('span', 'tag', tag));
    const open = button('open', '', () => {
      if (chosen === article.id && isNarrow()) goTo(panel().parentElement);
      trigger('choose', { id: article.id });
    });
    open.append(facts, el('span', 'says', article.title || 'Without a headline'));
    const row = el('li', '', open);
    row.dataset.id = article.id;
    return row;
  });
  const none = held.total ? 'No article matches' : 'None yet: add some above';
  list.replaceChildren(el('p', 'label', rows.length ? held.label : none),
    el('ol', 'sources', ...rows));
  point();
}

// Which of the list is shown beside it.
function point() {
  for (const row of list.querySelectorAll('li')) {
    row.classList.toggle('chosen', row.dataset.id === chosen);
    row.firstChild.setAttribute('aria-pressed', String(row.dataset.id === chosen));
  }
}

const failure = (text) => el('div', 'failure', el('p', '', text));

function show(article, failed) {
  const isNew = chosen !== article.id;
  chosen = article.id;
  point();
  const facts = [article.authors && `By ${article.authors}`, article.published || 'Undated',
    article.updated && `Updated ${article.updated}`];
  refill(panel(),
    el('div', 'head',
      button('back', 'Back to the list', () => goTo(list)),
      el('p', 'outlet', outletOf(article), ...article.tags.map((tag) => el('span', 'tag', tag))),
      el('h2', '', article.title || 'Without a headline'),
      factsOf(facts, original(article.url)),
      copyOf(article.copy_of)),
    ...(article.notice ? [noticeOf(article.notice)] : []),
    ...(failed ? [failure(failed)] : []),
    actions(article),
    ...history(article.versions),
    textOf({ before: article.text, quote: '', after: '' }),
  );
  if (isNew && isNarrow()) goTo(panel().parentElement);
}

function copyOf(origin) {
  if (!origin) return null;
  const open = button('linked', `the article of ${outletOf(origin)}`,
    () => trigger('choose', { id: origin.id }));
  return el('p', 'facts', 'A copy of ', open);
}

function history(versions) {
  if (versions.length < 2) return [];
  const rows = versions.map(({ seen, summary }) => (
    el('li', '', el('b', '', seen), ` ${summary || 'first seen'}`)));
  return [el('details', 'history', el('summary', '', `${versions.length} versions`),
    el('ol', '', ...rows))];
}

// What may be done to an article; each is asked about before it is done.
function actions({ id, notice }) {
  const box = el('div', 'actions');
  const asked = (...parts) => { box.replaceChildren(...parts, button('', 'Leave it as it is', ready)); };
  const remove = () => {
    const yes = button('danger', 'Remove it', () => trigger('remove', { id }));
    asked(el('p', '', 'Remove this article with all its versions? Answers that cite it say that it '
      + 'is gone. Its last version can be put back as long as this page stays open.'), yes);
    yes.focus();
  };
  const retract = () => {
    const reason = el('input');
    reason.setAttribute('aria-label', 'Why is it retracted?');
    reason.placeholder = 'Why is it retracted?';
    reason.required = true;
    reason.maxLength = 1000;
    const form = el('form', '', reason, el('button', 'danger', 'Retract it'));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (reason.value.trim()) trigger('retract', { id, reason: reason.value });
    });
    asked(el('p', '', 'A retracted article is shown with the reason and is evidence for no answer. '
      + 'This can be undone.'), form);
    reason.focus();
  };
  const ready = () => box.replaceChildren(
    notice && notice.kind === 'retracted'
      ? button('', 'Let it stand again', () => trigger('retract', { id, reason: '' }))
      : button('', 'Retract …', retract),
    button('', 'Remove …', remove),
  );
  ready();
  return box;
}

function render() {
  const given = props.value;
  if (!given) return;
  if (given.articles) {
    held = given;
    outlets();
    articles();
  }
  if (given.article) show(given.article, given.failed);
  else if (given.removed) {
    chosen = null;
    const back = button('again', 'Put it back', () => trigger('restore', {}));
    panel().replaceChildren(el('p', 'placeholder', 'The article was removed. ', back));
    back.focus();
  } else if (given.failed) panel().replaceChildren(failure(given.failed));
}

render();
watch('value', render);
const asked = new URLSearchParams(location.search).get('article');
if (asked) trigger('choose', { id: asked });
