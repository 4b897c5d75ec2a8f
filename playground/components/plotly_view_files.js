// Of the scripts of PlotlyView: files for a visitor to take away: the numbers as CSV and JSON, the picture as PNG. Each is
// named by model, view and text, and says inside what it was made of: `props.source`, sent with the figure; its entries stand
// in tabs/shared/sources.py. See plotly_view_theme.js.

/** What the numbers come from. A picture that no handler drew, such as an example by hand, comes from no model. */
const sourceOf = () => props.source || {};

/** A part of a file's name: letters and digits of any script, at most `most` of them. */
const slug = (text, most) => [...String(text ?? '').toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, '-').replace(/^-|-$/g, '')]
  .slice(0, most).join('').replace(/-$/, '');

/** Example: smollm2-135m-instruct_attention-heads-one-head_the-capital-of-france-is */
function fileName() {
  const {model, tab, view, text} = sourceOf();
  const place = [...new Set([tab, view, props.label])].filter(Boolean).join(' ');
  return [slug(model?.split('/').pop(), 40), slug(place, 60), slug(text, 32)].filter(Boolean).join('_') || 'picture';
}

/** A cell of a CSV file. A text that a spreadsheet would read as a formula, or that begins with an apostrophe, gets an
 * apostrophe in front: whoever takes one off the beginning has every text as it was. */
const csvCell = (text) => `"${(/^[=+\-@\t\r']/.test(text) ? `'${text}` : String(text)).replaceAll('"', '""')}"`;

/** Tokens as they are, not as the picture marks them; in the first cell, as JSON, what the numbers come from. */
function asCsv({columns, rows, values}) {
  const cell = (v) => (typeof v === 'number' && Number.isFinite(v) ? v : typeof v === 'string' ? csvCell(plainWords(v)) : '');
  const lines = [[csvCell(JSON.stringify(sourceOf())), ...columns.map(csvCell)],
    ...rows.map((name, r) => [csvCell(name), ...values[r].map(cell)])];
  return '\ufeff' + lines.map((line) => line.join(',')).join('\r\n') + '\r\n';
}

function save(content, type, ending) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], {type}));
  link.download = `${fileName()}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

for (const button of element.querySelectorAll('[data-kind]')) {
  button.addEventListener('click', () => {
    if (!hasNumbers()) return;
    const {columns, rows, values} = tableOf(Infinity, rawWords);
    if (button.dataset.kind === 'csv') save(asCsv({columns, rows, values}), 'text/csv', 'csv');
    else save(JSON.stringify({...sourceOf(), columns, rows, values}), 'application/json', 'json');
  });
}

// --- PNG -------------------------------------------------------------------------------------------------------

const CRC = Uint32Array.from({length: 256}, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** A chunk iTXt of a PNG: a keyword and its text in UTF-8. */
function textChunk(keyword, text) {
  const body = new TextEncoder().encode(`iTXt${keyword}\0\0\0\0\0${text}`);
  const chunk = new Uint8Array(body.length + 8), view = new DataView(chunk.buffer);
  let sum = 0xffffffff;
  for (const byte of body) sum = CRC[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(body.length + 4, ~sum >>> 0);
  return chunk;
}

const HEAD = 33;          // bytes of a PNG before the first chunk that may hold text: its signature and IHDR

/** The picture as it stands, with its title, on the page's background, at twice the screen's resolution; below it, where
 * its numbers come from. */
async function asPng() {
  const ground = variable('--background-fill-primary');
  const layout = {...structuredClone(box.layout), paper_bgcolor: ground, plot_bgcolor: ground};
  const plain = (text) => text.replace(/[&<>]/g, (c) => ({'&': '&amp;', '<': '&lt;', '>': '&gt;'})[c]);
  const title = heading.textContent, source = sourceOf();
  if (title) {
    layout.title = {text: plain(title).replaceAll('\n', '<br>'), x: 0.02, xanchor: 'left', font: {size: 15}};
    layout.margin = {...layout.margin, t: (layout.margin?.t ?? 16) + 20 + 20 * title.split('\n').length};
  }
  const text = [...(source.text || '')].slice(0, 100).join('');
  const origin = [source.source, source.text && `${source.tab}${source.view ? `, ${source.view}` : ''}: “${text}${
    text.length < source.text.length ? '…' : ''}”`].filter(Boolean).map(plain);
  const room = 14 * origin.length + (origin.length && 6);
  if (room) {
    const below = (layout.margin?.b ?? 40) + room;
    layout.margin = {...layout.margin, b: below};
    layout.annotations = [...(layout.annotations || []), {text: origin.join('<br>'), showarrow: false, xref: 'paper',
      yref: 'paper', x: 0, y: 0, xanchor: 'left', yanchor: 'bottom', yshift: -below, align: 'left', font: {size: 8}}];
  }
  const address = await library.toImage({data: box.data, layout}, {format: 'png', scale: 2, width: box.clientWidth,
    height: box.clientHeight + (title ? 40 : 0) + room});
  const bytes = Uint8Array.from(atob(address.split(',')[1]), (letter) => letter.charCodeAt(0));
  const chunks = {Title: title || props.label || '', Description: words.textContent, Source: source.source,
    Software: 'Transformer Playground', Comment: JSON.stringify(source)};
  return [bytes.slice(0, HEAD), ...Object.entries(chunks).filter(([, value]) => value).map(([key, value]) =>
    textChunk(key, value)), bytes.slice(HEAD)];
}

element.querySelector('[data-tool="png"]').addEventListener('click', () => {
  if (bound) asPng().then((parts) => save(new Blob(parts), 'image/png', 'png'), (error) => console.warn('picture:', error));
});
