// What became of what was added.

const box = element.querySelector('.report');

function render() {
  if (!props.value) return;
  const failed = (props.value.failed || []).map((line) => el('li', '', line));
  const { text, error } = props.value;
  box.replaceChildren(
    error ? el('div', 'failure', el('p', '', error)) : el('p', '', text),
    ...(failed.length ? [el('p', 'label', 'Not added'), el('ul', 'failures', ...failed)] : []),
  );
}

render();
watch('value', render);
