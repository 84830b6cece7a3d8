// Gradio closes the stream of a page's events when the last of them has ended. One that the page
// puts in line at that moment is answered, and nobody hears it: here the stream goes on while one
// that was put in line has not ended.
(() => {
  const send = window.fetch.bind(window);
  const joins = new Set(); // requests under way
  const unheard = new Set();
  const early = new Set(); // those that ended before the page was told their number

  async function told(...request) {
    const response = await send(...request);
    if (response.ok) {
      const { event_id: event } = await response.clone().json();
      if (!early.delete(event)) unheard.add(event);
    }
    return response;
  }

  function joined(...request) {
    const join = told(...request);
    joins.add(join);
    const over = () => joins.delete(join);
    join.then(over, over);
    return join;
  }

  // Passes messages on; true where the stream was closed too early.
  async function pass(response, out) {
    const chunks = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = '', read = await chunks.read(); !read.done; read = await chunks.read()) {
      const messages = (rest + read.value).split('\n\n');
      rest = messages.pop();
      for (const message of messages) {
        const { msg, event_id: ended } = JSON.parse(message.replace('data: ', ''));
        if (msg === 'process_completed' && !unheard.delete(ended)) early.add(ended);
        if (msg === 'close_stream') {
          while (joins.size) await Promise.allSettled(joins);
          if (unheard.size) return true;
        }
        await out.write(new TextEncoder().encode(`${message}\n\n`));
      }
    }
    return false;
  }

  async function listening(...request) {
    const listen = () => send(new Request(...request));
    const first = await listen();
    if (!first.ok) return first;
    const { readable, writable } = new TransformStream();
    const out = writable.getWriter();
    (async () => {
      for (let stream = first; await pass(stream, out); stream = await listen());
      await out.close();
    })().catch((error) => out.abort(error));
    return new Response(readable, first);
  }

  window.fetch = (...request) => {
    const { pathname } = new URL(request[0].url ?? request[0], location.href);
    if (pathname.endsWith('/queue/join')) return joined(...request);
    return pathname.endsWith('/queue/data') ? listening(...request) : send(...request);
  };
})();
