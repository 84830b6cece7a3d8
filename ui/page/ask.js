// Shows the conversation and, beside it, the chosen source. Gradio runs this as the body of a
// function of `element`, `props`, `trigger` and `watch`; props.value is what render.py made: the
// greeting with the turns so far, or the newest state of one question.

const intro = element.querySelector('.intro');
const log = element.querySelector('.turns');
const spoken = element.querySelector('.spoken');
const shown = new Map(); // id of a turn -> { turn, item }
const left = new Set(); // ids of turns that were under way when the reader went elsewhere
let following = true; // the newest turn, until the reader scrolls
let said = 0; // sentences of the newest turn that were announced

const panel = () => document.querySelector('#source .shown');

// Greeting

function greet({ index, articles, outlets, newest, quotes_only: quotesOnly, turns }) {
  for (const [id, { item }] of shown) if (isBusy(item)) left.add(id);
  shown.clear();
  log.replaceChildren();
  panel()?.replaceChildren();
  for (const turn of turns) show(turn, false);
  if (turns.length) goTo(shown.get(turns.at(-1).id).item, false);
  if (!articles) {
    const command = `byline add FOLDER${index === 'default' ? '' : ` --index ${index}`}`;
    const collection = el('a', '', 'Collection');
    collection.href = 'collection';
    intro.replaceChildren(
      el('h2', '', 'There are no articles yet'),
      el('p', '', `Index “${index}” is empty. Add articles under `, collection, ', or with'),
      el('p', '', el('code', '', command)),
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
  intro.hidden = turns.length > 0;
  if (!quotesOnly) return;
  intro.append(el('p', 'quiet', 'Answers are sentences quoted word for word. ',
    'To connect a language model, set ', el('code', '', 'BYLINE_LLM'), ' and ',
    el('code', '', 'BYLINE_LLM_BASE_URL'), ' or a key, and start Byline again.'));
}

// Conversation

const isBusy = (item) => item.getAttribute('aria-busy') === 'true';
const ask = (question, free = false) => trigger('retry', { question, free });

function show(turn, isNew = true) {
  const known = shown.get(turn.id);
  if (known?.isStopped || left.has(turn.id)) return; // what was under way when it was stopped
  const item = known ? known.item : el('article', 'turn');
  shown.set(turn.id, { turn, item });
  item.setAttribute('aria-busy', String(['reading', 'writing'].includes(turn.status)));
  const question = el('h2', 'question', turn.question);
  question.dir = 'auto';
  item.replaceChildren(question, ...filters(turn), ...state(turn).filter((part) => part));
  if (!known) {
    log.append(item);
    following = true;
    said = 0;
  }
  if (!isNew) {
    if (turn.sources) choose(turn.id, turn.sources.length ? turn.sources[0].number : null);
    return;
  }
  intro.hidden = true;
  announce(turn);
  if (following) goTo(item, !known);
  if (turn.sources) choose(turn.id, turn.sources.length ? turn.sources[0].number : null);
}

// To those who listen: what is going on, then each sentence once it is there, never its pieces.
function announce(turn) {
  const sentences = turn.checked || turn.sentences || [];
  for (const { said: words, weak } of sentences.slice(said)) {
    spoken.append(el('p', '', weak ? `${words} (${weak})` : words));
  }
  if (sentences.length > said) said = sentences.length;
  else if (turn.status !== 'writing' && !(said && turn.status === 'answered')) spoken.replaceChildren(el('p', '', turn.text));
}

function stop() {
  for (const entry of shown.values()) {
    const { item } = entry;
    if (!isBusy(item)) continue;
    entry.isStopped = true;
    item.setAttribute('aria-busy', 'false');
    item.querySelector('.progress')?.remove();
    item.querySelector('.draft')?.classList.remove('draft');
    item.append(el('p', 'quiet', 'Stopped. '));
    spoken.replaceChildren(el('p', '', 'Stopped'));
  }
}

// Once the server has let go of it: what is asked before would be stopped with it.
function stopped() {
  stop();
  for (const { turn, item, isStopped } of shown.values()) {
    if (isStopped && !item.querySelector('.again')) item.append(again(turn));
  }
}

const again = (turn) => button('again', 'Ask again', () => ask(turn.question));

function filters(turn) {
  const understood = turn.standalone
    && el('p', 'filters', 'Understood as: ', el('b', '', turn.standalone));
  const chips = (turn.filters || []).map((text) => el('span', 'tag', text));
  return [understood, chips.length && el('p', 'filters', 'Only ', ...chips)].filter((part) => part);
}

function state(turn) {
  if (turn.status === 'reading') return [el('p', 'progress', turn.text)];
  if (turn.status === 'writing') {
    const checking = el('p', 'progress', 'Checking each sentence against its passage …');
    const done = (turn.checked || []).map(({ said: words, weak }) => (
      el('span', weak ? 'sentence weak' : 'sentence', `${words} `)));
    return [el('div', 'answer draft', ...done, turn.text), checking];
  }
  if (turn.status === 'failed') {
    const title = el('strong', '', 'This could not be answered');
    return [el('div', 'failure', title, el('p', '', turn.text)), again(turn)];
  }
  const notes = [...turn.notes.map((note) => el('p', 'quiet', note)),
    ...(turn.stale || []).map((why) => el('p', 'stale', `No longer holds: ${why}`))];
  if (turn.status === 'declined') {
    const why = el('div', 'declined', el('strong', '', turn.text));
    if (!turn.sources.length) return [why, ...notes, rating(turn)];
    const near = el('p', 'label', 'The nearest passages, for you to judge');
    return [why, near, sources(turn), ...notes, rating(turn)];
  }
  const isQuoted = !turn.model || turn.style === 'quotes';
  const who = turn.model && `${isQuoted ? 'Chosen' : 'Written'} by ${turn.model} from these sources.`;
  const by = [who, isQuoted && 'Quoted word for word.',
    turn.newest && `Newest evidence: ${turn.newest}.`].filter((part) => part);
  return [answer(turn), ...turn.disagreements.map((one) => dispute(turn, one)),
    el('p', 'label', 'Sources'), sources(turn), ...notes, el('p', 'quiet', by.join(' ')),
    rating(turn)];
}

// What the articles do not agree on, each position with where it stands.
function dispute(turn, { matter, positions, superseded, within }) {
  const rows = positions.map(({ says, numbers, sources: count, days }, at) => {
    const isNewer = superseded && at === positions.length - 1;
    const first = turn.sources.find((one) => one.number === numbers[0]);
    return el('li', '', el('b', '', says),
      ` – ${first ? `${outletOf(first)}, ` : ''}${days.join(', ')} ${within ? '' : `(${count}) `}`,
      ...numbers.map((number) => chip(turn, number)),
      isNewer && el('span', 'tag', 'replaces what was said before'));
  });
  const title = within ? 'One article gives several figures' : 'The articles disagree';
  return el('div', 'dispute', el('strong', '', superseded ? `The ${matter} has changed` : `${title}: ${matter}`),
    el('ul', '', ...rows));
}

// Thumbs, and after a thumb down what was wrong, of which sentence.
function rating(turn) {
  const box = el('div', 'rating');
  const send = (thumb, reason = '', statement = null) => {
    const { conversation, number } = turn;
    trigger('rate', { conversation, number, thumb, reason, statement });
    refill(box, el('p', 'quiet', 'Thank you: it is kept with the conversation.'));
  };
  const up = button('thumb', 'Good answer', () => send('up'));
  const down = button('thumb', 'Something is wrong', () => {
    const reason = el('input');
    reason.placeholder = 'What is wrong? The right answer is …';
    reason.setAttribute('aria-label', 'What is wrong');
    const which = el('select', '', el('option', '', 'the whole answer'));
    which.setAttribute('aria-label', 'Which sentence');
    (turn.sentences || []).forEach(({ said: words }, at) => {
      const option = el('option', '', `${at + 1}. ${words.slice(0, 60)}`);
      option.value = at + 1;
      which.append(option);
    });
    const form = el('form', '', reason, which, el('button', '', 'Send'));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      send('down', reason.value, Number(which.value) || null);
    });
    box.replaceChildren(form);
    reason.focus();
  });
  box.append(up, down);
  if (turn.status === 'declined') {
    box.append(again(turn));
    if (turn.filters?.length) {
      box.append(button('again', 'Ask without filters', () => ask(turn.question, true)));
    }
  }
  return box;
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
    if (source.speaker) facts.append(` · ${source.speaker} speaking`);
    const says = turn.status === 'declined' ? inMarks(source.quote) : source.title;
    if (source.copies.length) facts.append(` · also in ${source.copies.join(', ')}`);
    const about = el('span', 'about', facts, says && el('span', 'says', says));
    about.dir = 'auto';
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
  made.addEventListener('pointerenter', () => card(made, source));
  made.addEventListener('focus', () => card(made, source));
  for (const kind of ['pointerleave', 'blur']) made.addEventListener(kind, () => card(null));
  return made;
}

// What a chip stands for, while the pointer or the focus is on it.
function card(at, source) {
  document.querySelector('.card')?.remove();
  if (!at) return;
  const quote = source.quote.length > 280 ? `${source.quote.slice(0, 280)} …` : source.quote;
  const words = el('span', 'says', inMarks(quote));
  words.dir = 'auto';
  const made = el('div', 'card', el('span', 'facts', el('b', '', outletOf(source)),
    ` ${source.day || 'Undated'}`), el('span', 'title', source.title || ''), words);
  made.setAttribute('role', 'tooltip');
  document.body.append(made);
  const box = at.getBoundingClientRect();
  const left = Math.min(box.left, innerWidth - made.offsetWidth - 12);
  const below = box.bottom + made.offsetHeight + 8 < innerHeight;
  made.style.left = `${Math.max(left, 8)}px`;
  made.style.top = `${below ? box.bottom + 6 : box.top - made.offsetHeight - 6}px`;
}

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
  const { number, kind, title, authors, published, updated, link, notice, copies, speaker } = source;
  const rank = turn.status === 'declined'
    ? `Nearest passage ${number}: it may not answer the question`
    : `Source ${number} of ${turn.sources.length}`;
  const facts = [authors && `By ${authors}`, published || 'Undated',
    updated && updated !== published && `Updated ${updated}`, speaker && `${speaker} speaking`,
    copies.length && `Also in ${copies.join(', ')}`, `Version ${source.version.slice(0, 7)}`];
  const text = textOf(source);
  const article = el('a', '', 'In the collection');
  article.href = `collection?article=${encodeURIComponent(source.article)}`;
  panel().replaceChildren(
    el('div', 'head',
      el('p', 'label', rank, button('back', 'Back to the answer', () => goTo(item))),
      el('p', 'outlet', outletOf(source), kind && el('span', 'tag', kind)),
      el('h2', '', title || 'Without a headline'),
      factsOf(facts, original(link), ' ', article)),
    ...(notice ? [noticeOf(notice)] : []),
    ...(source.warning ? [el('p', 'stale', `Read with care: ${source.warning}`)] : []),
    text,
  );
  text.scrollTop = text.querySelector('mark').offsetTop - Math.min(text.clientHeight / 4, 48);
}

function render() {
  if (!props.value) return;
  if (props.value.welcome) greet(props.value);
  else if (props.value.stopping) stop();
  else if (props.value.stopped) stopped();
  else show(props.value);
}

document.addEventListener('keydown', ({ key }) => { if (key === 'Escape') card(null); });
for (const kind of ['wheel', 'touchmove']) {
  document.addEventListener(kind, () => { following = false; }, { passive: true });
}
render();
watch('value', render);
