// The outlets, the articles found, and the one that is chosen with what may be done to it.

const counts = element.querySelector('.counts');
const list = element.querySelector('.articles');
const panel = () => document.querySelector('#article .shown');
let held = null; // what is listed

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
    el('ol', 'outlets', ...rows),
    ...(more > 0 ? [el('p', 'quiet', `and ${more} more outlets`)] : []),
  );
}

function articles() {
  const rows = held.articles.map((article) => {
    const facts = el('span', 'facts', el('b', '', outletOf(article)), ` ${article.day || 'Undated'}`);
    for (const tag of article.tags) facts.append(' ', el('span', 'tag', tag));
    const open = button('open', '', () => trigger('choose', { id: article.id }));
    open.append(facts, el('span', 'says', article.title || 'Without a headline'));
    return el('li', '', open);
  });
  const said = held.found ? 'The best matches' : 'The newest';
  list.replaceChildren(el('p', 'label', rows.length ? said : 'No article matches'),
    el('ol', 'sources', ...rows));
}

function show(article) {
  if (article.failed) {
    panel().replaceChildren(el('div', 'failure', el('p', '', article.failed)));
    return;
  }
  const facts = [article.authors && `By ${article.authors}`, article.published || 'Undated',
    article.updated && `Updated ${article.updated}`].filter((fact) => fact);
  const actions = el('div', 'actions');
  const remove = () => {
    const yes = button('danger', 'Remove it', () => trigger('remove', { id: article.id }));
    actions.replaceChildren(el('p', '', 'Remove this article with all its versions? '
      + 'It can be added again from its source.'), yes, button('', 'Keep it', ready));
    yes.focus();
  };
  const ready = () => actions.replaceChildren(button('', 'Remove', remove));
  ready();
  panel().replaceChildren(
    el('div', 'head',
      el('p', 'outlet', outletOf(article), ...article.tags.map((tag) => el('span', 'tag', tag))),
      el('h2', '', article.title || 'Without a headline'),
      el('p', 'facts', ...facts.map((fact) => el('span', '', fact)), original(article.url))),
    ...(article.notice ? [noticeOf(article.notice)] : []),
    actions,
    textOf({ before: article.text, quote: '', after: '' }),
  );
  if (isNarrow()) goTo(panel().parentElement);
}

function render() {
  const given = props.value;
  if (!given) return;
  if (given.article) show(given.article);
  else if (given.removed) panel().replaceChildren(el('p', 'quiet', 'The article was removed.'));
  else if (given.failed) panel().replaceChildren(el('div', 'failure', el('p', '', given.failed)));
  else {
    held = given;
    outlets();
    articles();
  }
}

render();
watch('value', render);
