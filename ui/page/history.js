// The conversations of this browser: open, rename, delete, export.

const list = element.querySelector('ul');

function row({ id, title, day }, isCurrent) {
  const open = button('open', title, () => trigger('open', { id }));
  if (isCurrent) open.setAttribute('aria-current', 'true');
  const item = el('li', isCurrent ? 'current' : '', open, el('span', 'facts', day));
  const exports = ['md', 'html', 'json'].map((kind) => {
    const anchor = el('a', '', kind === 'md' ? 'Markdown' : kind.toUpperCase());
    anchor.href = `conversations/${encodeURIComponent(id)}.${kind}`;
    anchor.download = '';
    return anchor;
  });
  const actions = el('div', 'actions',
    button('', 'Rename', () => rename(item, id, title)),
    button('', 'Delete', () => confirmed(item, id, title)), ...exports);
  actions.setAttribute('aria-label', `What to do with “${title}”`);
  actions.setAttribute('role', 'group');
  item.append(actions);
  return item;
}

function rename(item, id, title) {
  const field = el('input');
  field.value = title;
  field.maxLength = 120;
  field.setAttribute('aria-label', 'New name');
  const form = el('form', 'rename', field, el('button', '', 'Rename'), button('', 'Cancel', render));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    trigger('rename', { id, title: field.value });
  });
  item.replaceChildren(form);
  field.select();
}

function confirmed(item, id, title) {
  const yes = button('danger', 'Delete', () => trigger('remove', { id }));
  item.replaceChildren(el('p', '', `Delete “${title}” with all its answers?`), yes,
    button('', 'Keep', render));
  yes.focus();
}

// The toggle is Gradio's, which calls it a sidebar.
const toggle = document.querySelector('#history .toggle-button');
for (const name of ['aria-label', 'title']) toggle?.setAttribute(name, 'Your conversations');
const sidebar = document.querySelector('#history');
const tell = () => toggle?.setAttribute('aria-expanded', String(sidebar.classList.contains('open')));
new MutationObserver(tell).observe(sidebar, { attributeFilter: ['class'] });
tell();

function render() {
  const { conversations, current } = props.value || { conversations: [] };
  refill(list, ...conversations.map((one) => row(one, one.id === current)));
  if (!conversations.length) list.append(el('li', 'quiet', 'None yet: they are kept as you ask.'));
}

render();
watch('value', render);
