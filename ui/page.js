// Shows the conversation and, beside it, the chosen source. Gradio runs this as the body of a
// function of `element`, `props` and `watch`; props.value is what render.py made: the greeting, or
// the newest state of one question. Whatever it holds becomes a text node and nothing else.

const intro = element.querySelector('.intro');
const log = element.querySelector('.turns');
const shown = new Map(); // id of a turn -> { turn, item }
let following = true; // the newest turn, until the reader scrolls

const panel = () => document.querySelector('#source .shown');
const isNarrow = () => matchMedia('(max-width: 899px)').matches;
const isCalm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

function el(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children.filter((child) => child));
  return made;
}

function button(name, label, act) {
  const made = el('button', name, label);
  made.type = 'button';
  made.addEventListener('click', act);
  return made;
}

function goTo(target, smoothly = true) {
  target.scrollIntoView({ block: 'start', behavior: smoothly && !isCalm() ? 'smooth' : 'auto' });
}

// Greeting

function greet({ index, articles, outlets, newest, quotes_only: quotesOnly }) {
  if (!articles) {
    const command = `byline add FOLDER${index === 'default' ? '' : ` --index ${index}`}`;
    intro.replaceChildren(
      el('h2', '', 'There are no articles yet'),
      el('p', '', `Index “${index}” is empty. Add text, Markdown, HTML, JSON Lines or CSV files:`),
      el('p', '', el('code', '', command)),
      el('p', '', 'Then load this page again.'),
    );
    return;
  }
  const many = (count, noun) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
  const from = outlets ? ` from ${many(outlets, 'outlet')}` : '';
  const last = newest ? `, the newest of ${newest}` : '';
  intro.replaceChildren(
    el('h2', '', 'What would you like to know?'),
    el('p', '', `Ask about ${many(articles, 'article')}${from}${last}. `,
      'Each sentence of an answer names its source; choose one to read it where it stands.'),
  );
  if (!quotesOnly) return;
  intro.append(el('p', 'quiet', 'Answers are sentences quoted word for word. ',
    'To connect a language model, set ', el('code', '', 'BYLINE_LLM'), ' and ',
    el('code', '', 'BYLINE_LLM_BASE_URL'), ' or a key, and start Byline again.'));
}

// Conversation

function show(turn) {
  const known = shown.get(turn.id);
  const item = known ? known.item : el('article', 'turn');
  shown.set(turn.id, { turn, item });
  item.setAttribute('aria-busy', String(turn.status === 'reading' || turn.status === 'writing'));
  item.replaceChildren(
    el('h2', 'question', turn.question),
    ...[turn.filters && el('p', 'filters', turn.filters), ...state(turn)].filter((part) => part),
  );
  if (!known) {
    log.append(item);
    following = true;
  }
  if (following) goTo(item, !known);
  if (turn.sources) choose(turn.id, turn.sources.length ? turn.sources[0].number : null);
}

function state(turn) {
  if (turn.status === 'reading') return [el('p', 'progress', turn.text)];
  if (turn.status === 'writing') return [el('div', 'answer draft', turn.text)];
  if (turn.status === 'failed') {
    const title = el('strong', '', 'This could not be answered');
    return [el('div', 'failure', title, el('p', '', turn.text))];
  }
  const notes = turn.notes.map((note) => el('p', 'quiet', note));
  if (turn.status === 'declined') {
    const said = el('div', 'declined', el('strong', '', turn.text));
    if (!turn.sources.length) return [said, ...notes];
    const near = el('p', 'label', 'The nearest passages, which do not answer it');
    return [said, near, sources(turn), ...notes];
  }
  const isQuoted = !turn.model || turn.style === 'quotes';
  const who = turn.model && `${isQuoted ? 'Chosen' : 'Written'} by ${turn.model} from these sources.`;
  const how = [who, isQuoted && 'Quoted word for word.'].filter((part) => part).join(' ');
  const by = [how, turn.newest && `The newest is of ${turn.newest}.`].filter((part) => part).join(' ');
  return [answer(turn), el('p', 'label', 'Sources'), sources(turn), ...notes, el('p', 'quiet', by)];
}

function answer(turn) {
  const body = el('div', turn.model && turn.style !== 'quotes' ? 'answer' : 'answer quoted');
  for (const { gap, said, numbers, tail, weak } of turn.sentences) {
    const chips = numbers.map((number) => chip(turn, number));
    const parts = [said + tail, numbers.length && '\u00a0', ...chips];
    if (weak) parts.push(' ', el('span', 'why', weak));
    body.append(gap, el('span', weak ? 'sentence weak' : 'sentence', ...parts));
  }
  return body;
}

// One row a source: below an answer with its headline, below a refusal with what it says.
function sources(turn) {
  const list = el('ol', 'sources');
  for (const source of turn.sources) {
    const facts = el('span', 'facts', el('b', '', outletOf(source)), ` ${source.day || 'Undated'}`);
    for (const tag of [source.notice && source.notice.kind, source.kind]) {
      if (tag) facts.append(' ', el('span', 'tag', tag));
    }
    const says = turn.status === 'declined' ? `“${source.quote}”` : source.title;
    const about = el('span', 'about', facts, says && el('span', 'says', says));
    const row = el('li', '', chip(turn, source.number), about);
    about.addEventListener('click', () => choose(turn.id, source.number, true));
    list.append(row);
  }
  return list;
}

function chip(turn, number) {
  const source = turn.sources.find((one) => one.number === number);
  const made = button('chip', String(number), () => choose(turn.id, number, true));
  made.dataset.number = number;
  const when = source.day || 'undated';
  made.setAttribute('aria-label', `Source ${number}: ${outletOf(source)}, ${when}`);
  return made;
}

const outletOf = (source) => source.outlet || 'Unnamed outlet';

// `byReader`: then a narrow screen, which has the source below, may move there.
function choose(id, number, byReader = false) {
  for (const { turn, item } of shown.values()) {
    for (const one of item.querySelectorAll('.chip')) {
      const isChosen = turn.id === id && Number(one.dataset.number) === number;
      one.setAttribute('aria-pressed', String(isChosen));
      one.closest('.sources > li')?.classList.toggle('chosen', isChosen);
    }
  }
  const { turn, item } = shown.get(id);
  open(turn, turn.sources.find((one) => one.number === number), item);
  if (byReader && isNarrow()) goTo(panel().parentElement);
}

// Source

function open(turn, source, item) {
  if (!source) {
    panel().replaceChildren();
    return;
  }
  const { number, kind, title, authors, published, updated, link, notice } = source;
  const rank = turn.status === 'declined'
    ? `Nearest passage ${number}: it does not answer the question`
    : `Source ${number} of ${turn.sources.length}`;
  const facts = [authors && `By ${authors}`, published || 'Undated',
    updated && updated !== published && `Updated ${updated}`].filter((fact) => fact);
  const text = article(source);
  panel().replaceChildren(
    el('div', 'head',
      el('p', 'label', rank, button('back', 'Back to the answer', () => goTo(item))),
      el('p', 'outlet', outletOf(source), kind && el('span', 'tag', kind)),
      el('h2', '', title || 'Without a headline'),
      el('p', 'facts', ...facts.map((fact) => el('span', '', fact)), original(link))),
    ...(notice ? [noticeOf(notice)] : []),
    text,
  );
  text.scrollTop = text.querySelector('mark').offsetTop - text.clientHeight / 4;
}

function noticeOf({ kind, text }) {
  const title = kind === 'retracted' ? 'Retracted' : 'Corrected';
  return el('div', 'notice', el('strong', '', title), el('p', '', text));
}

function original(link) {
  // Citations link to http and https only; asked again here, where it matters.
  if (!link || !/^https?:\/\//i.test(link)) return null;
  const anchor = el('a', '', 'Read the original');
  anchor.href = link;
  anchor.target = '_blank';
  anchor.rel = 'noopener noreferrer';
  return anchor;
}

// The article's paragraphs, with the quote marked in them.
function article({ before, quote, after }) {
  const text = el('div', 'text', el('p'));
  for (const [piece, isQuote] of [[before, false], [quote, true], [after, false]]) {
    piece.split('\n').forEach((line, at) => {
      if (at) text.append(el('p'));
      if (line) text.lastChild.append(isQuote ? el('mark', '', line) : line);
    });
  }
  text.tabIndex = 0; // so that arrow keys scroll it
  text.setAttribute('role', 'region');
  text.setAttribute('aria-label', 'Text of the article');
  return text;
}

function render() {
  if (!props.value) return;
  if (props.value.welcome) greet(props.value);
  else show(props.value);
}

for (const kind of ['wheel', 'touchmove']) {
  document.addEventListener(kind, () => { following = false; }, { passive: true });
}
render();
watch('value', render);
