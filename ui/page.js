// Shows the conversation and, beside it, the chosen source. Gradio runs this as the body of a
// function of `element`, `props` and `watch`; props.value is what render.py made, newest only.
// Whatever comes from there becomes a text node, nothing else.

const intro = element.querySelector('.intro');
const log = element.querySelector('.turns');
const shown = new Map(); // id of a turn -> { turn, item }
let chosen = { id: null, number: null };

const panel = () => document.querySelector('#source aside');
const narrow = () => matchMedia('(max-width: 899px)').matches;
const calm = () => (matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth');

function el(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children.filter((child) => child));
  return made;
}

function welcome({ index, articles, outlets, newest, quotes_only }) {
  intro.replaceChildren();
  if (!articles) {
    const how = el('code', '', index === 'default' ? 'byline add FOLDER' : `byline add FOLDER --index ${index}`);
    intro.append(
      el('h2', '', 'There are no articles yet'),
      el('p', '', `Index “${index}” is empty. Add text, Markdown, HTML, JSON Lines or CSV files:`),
      el('p', '', how),
      el('p', '', 'Then load this page again.'),
    );
    return;
  }
  const many = (count, noun) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
  const from = outlets ? ` from ${many(outlets, 'outlet')}` : '';
  const until = newest ? `, the newest of ${newest}` : '';
  intro.append(
    el('h2', '', 'What would you like to know?'),
    el('p', '', `Ask about ${many(articles, 'article')}${from}${until}. Each sentence of an answer names its source, which opens beside it.`),
  );
  if (quotes_only) {
    const hint = el('p', 'quiet', 'Answers are sentences quoted word for word. To connect a language model, set ');
    hint.append(el('code', '', 'BYLINE_LLM'), ' and ', el('code', '', 'BYLINE_LLM_BASE_URL'), ' or a key, and start Byline again.');
    intro.append(hint);
  }
}

function chip(turn, number) {
  const source = turn.sources.find((one) => one.number === number);
  const made = el('button', 'chip', String(number));
  made.type = 'button';
  made.dataset.number = number;
  made.setAttribute('aria-label', `Source ${number}: ${where(source)}`);
  made.setAttribute('aria-pressed', 'false');
  made.addEventListener('click', () => choose(turn.id, number, true));
  return made;
}

const where = (source) =>
  `${source.outlet || 'Unnamed outlet'}, ${source.day || 'undated'}`;

function answer(turn) {
  const body = el('div', turn.model ? 'answer' : 'answer quoted');
  for (const { gap, said, numbers, tail } of turn.sentences) {
    const sentence = el('span', 'sentence', said + tail);
    if (numbers.length) sentence.append('\u00a0', ...numbers.map((number) => chip(turn, number)));
    body.append(gap, sentence);
  }
  return body;
}

// One row a source: below an answer where it was published, below a refusal also what it says.
function sources(turn) {
  const list = el('ol', 'sources');
  for (const source of turn.sources) {
    const row = el('li', '', chip(turn, source.number));
    const facts = el('span', 'facts', el('b', '', source.outlet || 'Unnamed outlet'), ` ${source.day || 'Undated'}`);
    if (source.notice) facts.append(' ', el('span', 'tag', source.notice.kind));
    if (source.kind) facts.append(' ', el('span', 'tag', source.kind));
    const says = turn.status === 'declined' ? `“${source.quote}”` : source.title;
    row.append(el('span', 'about', facts, says && el('span', 'says', says)));
    row.addEventListener('click', (event) => {
      if (!event.target.closest('button')) choose(turn.id, source.number, true);
    });
    list.append(row);
  }
  return list;
}

function parts(turn) {
  if (turn.status === 'reading') return [el('p', 'progress', turn.text)];
  if (turn.status === 'writing') return [el('div', 'answer draft', turn.text)];
  if (turn.status === 'failed') {
    return [el('div', 'failure', el('strong', '', 'This could not be answered'), el('p', '', turn.text))];
  }
  const notes = turn.notes.map((note) => el('p', 'quiet', note));
  if (turn.status === 'declined') {
    const near = turn.sources.length > 0;
    return [
      el('div', 'declined', el('strong', '', turn.text)),
      near && el('p', 'label', 'The nearest passages, which do not answer it'),
      near && sources(turn),
      ...notes,
    ];
  }
  const by = turn.model ? `Written by ${turn.model} from the passages below.` : 'Quoted word for word.';
  return [answer(turn), el('p', 'label', 'Sources'), sources(turn), ...notes, el('p', 'quiet', by)];
}

function show(turn) {
  const known = shown.get(turn.id);
  const item = known ? known.item : el('article', 'turn');
  shown.set(turn.id, { turn, item });
  const busy = turn.status === 'reading' || turn.status === 'writing';
  item.dataset.status = turn.status;
  item.setAttribute('aria-busy', String(busy));
  item.replaceChildren(
    el('h2', 'question', turn.question),
    turn.filters ? el('p', 'filters', turn.filters) : '',
    ...parts(turn).filter((part) => part),
  );
  if (!known) {
    log.append(item);
    item.scrollIntoView({ block: 'start', behavior: calm() });
  }
  if (turn.status === 'answered' || turn.status === 'declined') {
    choose(turn.id, turn.sources.length ? turn.sources[0].number : null, false);
  }
}

// `asked`: the reader chose it, so that on a narrow screen the page may move there.
function choose(id, number, asked) {
  chosen = { id, number };
  for (const { turn, item } of shown.values()) {
    for (const one of item.querySelectorAll('.chip')) {
      const is = turn.id === id && Number(one.dataset.number) === number;
      one.setAttribute('aria-pressed', String(is));
      one.closest('.sources > li')?.classList.toggle('chosen', is);
    }
  }
  const { turn, item } = shown.get(id);
  source(turn, turn.sources.find((one) => one.number === number), item);
  if (asked && narrow()) panel().scrollIntoView({ block: 'start', behavior: calm() });
}

function source(turn, chosenSource, item) {
  const aside = panel();
  if (!chosenSource) return placeholder();
  const { number, outlet, title, kind, authors, published, updated, link, notice } = chosenSource;
  const near = turn.status === 'declined';
  const back = el('button', 'back', 'Back to the answer');
  back.type = 'button';
  back.addEventListener('click', () => item.scrollIntoView({ block: 'start', behavior: calm() }));
  const head = el(
    'div', 'head',
    el('p', 'label', near ? `Nearest passage ${number}: it does not answer the question` : `Source ${number} of ${turn.sources.length}`, back),
    el('p', 'outlet', outlet || 'Unnamed outlet', kind && el('span', 'tag', kind)),
    el('h2', '', title || 'Without a headline'),
    el('p', 'facts', authors && el('span', '', `By ${authors}`), el('span', '', published || 'Undated'),
      updated && updated !== published && el('span', '', `Updated ${updated}`), link && original(link)),
  );
  head.setAttribute('aria-live', 'polite');
  const text = article(chosenSource);
  aside.replaceChildren(head);
  if (notice) aside.append(el('div', 'notice', el('strong', '', notice.kind === 'retracted' ? 'Retracted' : 'Corrected'), el('p', '', notice.text)));
  aside.append(text);
  const mark = text.querySelector('mark');
  text.scrollTop = mark ? mark.offsetTop - text.clientHeight / 4 : 0;
}

function original(link) {
  // render.py lets http and https through; asked again here, where it matters.
  if (!/^https?:\/\//i.test(link)) return null;
  const anchor = el('a', '', 'Read the original');
  anchor.href = link;
  anchor.target = '_blank';
  anchor.rel = 'noopener noreferrer';
  return anchor;
}

// Paragraphs of the article's text, with the quote marked in them.
function article({ before, quote, after }) {
  const text = el('div', 'text', el('p'));
  for (const [piece, marked] of [[before, false], [quote, true], [after, false]]) {
    piece.split('\n').forEach((line, at) => {
      if (at) text.append(el('p'));
      if (line) text.lastChild.append(marked ? el('mark', '', line) : line);
    });
  }
  text.tabIndex = 0;
  text.setAttribute('role', 'region');
  text.setAttribute('aria-label', 'Text of the article');
  return text;
}

function placeholder() {
  panel().replaceChildren(el('p', 'placeholder', 'The passage behind a sentence is shown here, where it stands in its article.'));
}

function render() {
  const value = props.value;
  if (!value) return;
  if (value.welcome) welcome(value);
  else show(value);
}

log.setAttribute('aria-label', 'Conversation');
if (panel()) placeholder();
render();
watch('value', render);
