// What the parts of the page share. Whatever a value holds becomes a text node and nothing else.

// Gradio's bar of pages says by a frame alone which one this is.
for (const anchor of document.querySelectorAll('.nav-holder a.active')) {
  anchor.setAttribute('aria-current', 'page');
  document.title = `${anchor.textContent} – Byline`;
}

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

// Puts other children into a part, which keeps the focus where it had it.
function refill(part, ...children) {
  const hadFocus = part.contains(document.activeElement);
  part.replaceChildren(...children);
  if (!hadFocus) return;
  const next = part.querySelector('h2, .open') || part;
  if (next.tabIndex < 0) next.tabIndex = -1;
  next.focus();
}

// Facts beside each other, which are also read out one by one.
const factsOf = (facts, ...links) => el('p', 'facts',
  ...facts.filter((fact) => fact).flatMap((fact) => [el('span', '', fact), ' ']), ...links);

function goTo(target, smoothly = true) {
  target.scrollIntoView({ block: 'start', behavior: smoothly && !isCalm() ? 'smooth' : 'auto' });
}

// A quotation that already stands in marks gets no others.
const inMarks = (quote) => (/^[“"«„]/.test(quote) ? quote : `“${quote}”`);

const outletOf = (source) => source.outlet || 'Unnamed outlet';

function original(link) {
  // Only http and https are links; asked again here, where it matters.
  if (!link || !/^https?:\/\//i.test(link)) return null;
  const anchor = el('a', '', 'Read the original');
  anchor.href = link;
  anchor.target = '_blank';
  anchor.rel = 'noopener noreferrer';
  return anchor;
}

function noticeOf({ kind, text }) {
  const title = kind === 'retracted' ? 'Retracted' : 'Corrected';
  return el('div', 'notice', el('strong', '', title), el('p', '', text));
}

// The article's paragraphs, with the quote marked in them.
function textOf({ before, quote, after }) {
  const text = el('div', 'text', el('p'));
  text.dir = 'auto';
  for (const [piece, isQuote] of [[before, false], [quote, true], [after, false]]) {
    piece.split('\n').forEach((line, at) => {
      if (at) {
        text.append(el('p'));
        text.lastChild.dir = 'auto';
      }
      if (line) text.lastChild.append(isQuote ? el('mark', '', line) : line);
    });
  }
  text.tabIndex = 0; // so that arrow keys scroll it
  text.setAttribute('role', 'region');
  text.setAttribute('aria-label', 'Text of the article');
  return text;
}

