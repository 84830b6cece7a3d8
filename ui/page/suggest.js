// Questions to begin with, and before them the one of the address (`?q=`), which evals link to.

const box = element.querySelector('.suggestions');
let linked = new URLSearchParams(location.search).get('q');

function render() {
  const chips = [linked, ...(props.value || [])].filter((text) => text).map((text) => (
    button(text === linked ? 'suggested linked' : 'suggested', text, () => {
      trigger('retry', { question: text, free: false });
      linked = null;
      box.replaceChildren();
    })));
  box.replaceChildren(...chips);
}

render();
watch('value', render);
