// What became of what was added.

const box = element.querySelector('.report');

function render() {
  if (!props.value) return;
  const failed = (props.value.failed || []).map((line) => el('li', '', line));
  box.replaceChildren(
    props.value.error
      ? el('div', 'failure', el('p', '', props.value.error)) : el('p', '', props.value.text),
    ...(failed.length ? [el('p', 'label', 'Not added'), el('ul', 'failures', ...failed)] : []),
  );
}

render();
watch('value', render);
