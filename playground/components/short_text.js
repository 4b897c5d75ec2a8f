// What scripts of the page share that write texts into lines. Knows no components.

/** Words with values in the place of {names}. */
function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ''));
}

/** A visitor's text in a line, its beginning in quotes; its marks of direction are replaced: they would turn the words around. */
function quoted(text, most = 60) {
  const signs = [...String(text ?? '').replace(/[\u202a-\u202e\u2066-\u2069]/g, '\ufffd').replace(/\s+/g, ' ').trim()];
  return signs.length ? `“\u2068${signs.slice(0, most).join('')}${signs.length > most ? '…' : ''}\u2069”` : '';
}
