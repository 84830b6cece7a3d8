// The feeds that are followed.

const box = element.querySelector('.feeds');

function render() {
  const rows = (props.value?.feeds || []).map(({ url, name, articles, error }) => {
    const stop = button('', 'Follow no more', () => trigger('unfollow', { url }));
    stop.setAttribute('aria-label', `Follow ${name} no more`);
    return el('li', '', el('span', 'name', name), el('span', 'quiet', `${articles} added`), stop,
      error && el('span', 'quiet', error));
  });
  refill(box, ...(rows.length ? [el('p', 'label', 'Feeds'), el('ul', '', ...rows)] : []));
}

render();
watch('value', render);
