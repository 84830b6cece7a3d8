// The filters that the next question is asked with; a click takes one away.

const box = element.querySelector('.inforce');

function render() {
  const chips = (props.value || []).map(({ of, name, text }) => {
    const chip = button('tag', `${text} ×`, () => trigger('drop', { of, name }));
    chip.setAttribute('aria-label', `Without the filter ${text}`);
    return chip;
  });
  box.replaceChildren(...(chips.length ? [el('span', 'facts', 'Only '), ...chips] : []));
}

render();
watch('value', render);
