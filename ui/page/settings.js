// What answers, and what each setting means.

const box = element.querySelector('.settings');

function render() {
  const given = props.value;
  if (!given) return;
  const rows = given.settings.map(({ name, value, meaning }) => el('tr', '',
    el('th', '', el('code', '', name)), el('td', 'value', value || 'not set'), el('td', '', meaning)));
  const connect = given.quotes_only && el('div', 'declined',
    el('strong', '', 'No language model is connected: answers are quotations.'),
    el('p', '', 'Start Byline with BYLINE_LLM naming a model and BYLINE_LLM_BASE_URL the address of '
      + 'an OpenAI-compatible endpoint, ending in /v1 (or BYLINE_LLM=gguf:FILE for a model on this '
      + 'machine).'));
  const policies = given.policies.flatMap(([name, meaning]) => [el('dt', '', el('code', '', name)),
    el('dd', '', meaning)]);
  box.replaceChildren(...[
    connect, el('h2', '', 'Settings'),
    el('p', 'quiet', 'They are set where Byline is started: in the environment, in .env or in '
      + 'byline.toml. Keys are never shown.'),
    el('table', '', el('tbody', '', ...rows)),
    el('h2', '', 'What becomes of sentences that the check does not pass'),
    el('dl', '', ...policies),
  ].filter((part) => part));
}

render();
watch('value', render);
