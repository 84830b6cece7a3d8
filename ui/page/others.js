(kept) => {
  // Each tab of a browser writes all that it remembers: here is what the others have added.
  const name = 'byline-INDEX-ids';
  try {
    const held = JSON.parse(localStorage.getItem(name) || '[]');
    const known = [...kept.ids, ...held].filter((id) => typeof id === 'string');
    const ids = [...new Set(known)].slice(0, 100);
    localStorage.setItem(name, JSON.stringify(ids));
    return { ...kept, ids };
  } catch {
    return kept; // storage is barred, or something else has written there
  }
}
