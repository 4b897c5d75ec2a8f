// Of the scripts of PlotlyView: a picture as one HTML file that stays interactive and asks no host for anything. plotly.js and
// the figure stand in it, deflated and written in 85 printable signs; base64 would not leave room for the figure below
// 2 MB. The file's own script is html_file.js. See plotly_view_theme.js.

const MOST_BYTES = 2_000_000;
const HTML_SCRIPT = 3;   // of LIBRARIES
/** Printable ASCII but for what HTML or JavaScript gives a meaning: < > & " ' ` \ and the space. */
const SIGNS = [...Array(94).keys()].map((n) => String.fromCharCode(33 + n)).filter((sign) => !'<>&"\'`\\'.includes(sign))
  .slice(0, 85).join('');

/** Four bytes in five signs; zeros fill the last four. The file's script cuts them off, as deflate says where it ends. */
function in85(bytes) {
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4), signs = new TextEncoder().encode(SIGNS);
  whole.set(bytes);
  const numbers = new DataView(whole.buffer), written = new Uint8Array(whole.length / 4 * 5);
  for (let at = 0, place = 0; at < whole.length; at += 4, place += 5) {
    let number = numbers.getUint32(at);
    for (let digit = 4; digit >= 0; digit--) {
      written[place + digit] = signs[number % 85];
      number = Math.floor(number / 85);
    }
  }
  return new TextDecoder().decode(written);
}

async function packed(text) {
  const squeezed = new Blob([text]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(squeezed).arrayBuffer());
  return `${bytes.length} ${in85(bytes)}`;
}

const inMarkup = (text) => String(text ?? '').replace(/[&<>"]/g, (sign) =>
  ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'})[sign]);

/** The figure as it was sent, with its mark and the view that Python set last. */
function sentFigure() {
  const figure = typeof props.value === 'string' ? JSON.parse(props.value) : structuredClone(props.value);
  if (props.mark) figure.layout.shapes = [...(figure.layout.shapes || []), structuredClone(props.mark)];
  if (flight && flight.of === figure.layout.uirevision) {
    for (const [path, value] of Object.entries(flight.change)) put(figure.layout, path.split('.'), structuredClone(value));
  }
  return figure;
}

/** The same in the page's colours. */
function drawnFigure() {
  const figure = sentFigure();
  noteDrag(figure);
  dress(figure, box.clientWidth);
  const ground = variable('--background-fill-primary');
  Object.assign(figure.layout, {paper_bgcolor: ground, plot_bgcolor: ground});
  return figure;
}

async function asHtml() {
  const kinds = library.playgroundKinds, which = !kinds ? WHOLE : kinds.includes('scattergl') ? WEBGL : SMALL;
  shared.packed ??= [];
  shared.packed[which] ??= fetched(LIBRARIES[which]).then(packed);
  shared.reader ??= fetched(LIBRARIES[HTML_SCRIPT]);
  const [code, reader, figure] = await Promise.all([shared.packed[which], shared.reader, packed(JSON.stringify(drawnFigure()))]);
  const {model, text, source, tab, view} = sourceOf();
  const title = heading.textContent || props.label || '', place = [tab, view].filter(Boolean).join(', ');
  const paragraph = (words) => (words ? `<p>${inMarkup(words)}</p>\n` : '');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline';
 script-src 'unsafe-inline' 'unsafe-eval'; img-src data: blob:">
<meta name="viewport" content="width=device-width">
<title>${inMarkup([title || place, model].filter(Boolean).join(' · '))}</title>
<style>body { margin: 16px; color: ${variable('--body-text-color')}; background: ${variable('--background-fill-primary')};
 font: 14px system-ui, sans-serif; } h1 { font-size: 18px; } p { max-width: 110ch; white-space: pre-line; }
 #picture { height: ${Math.max(box.clientHeight, 240)}px; }</style></head><body>
<h1>${inMarkup(title || place)}</h1>
<div id="picture"></div>
${paragraph(words.textContent)}${paragraph(text && `${place}: “${text}”`)}${paragraph(source)}
<script type="text/plain" id="signs">${inMarkup(SIGNS)}</script>
<script type="text/plain" id="library">${code}</script>
<script type="text/plain" id="figure">${figure}</script>
<script type="application/json" id="source">${JSON.stringify(sourceOf()).replaceAll('<', '\\u003c')}</script>
<script>${reader}</script>
</body></html>
`;
}

/** Says below the picture why a tool did nothing; nothing without words. */
function remark(words) {
  const place = element.querySelector('.pv-remark');
  place.textContent = words;
  place.hidden = !words;
}

tool('html').addEventListener('click', async () => {
  if (!bound) return;
  tool('html').disabled = true;
  remark('');
  try {
    const page = await asHtml(), size = new Blob([page]).size;
    if (size <= MOST_BYTES) save(page, 'text/html', 'html');
    else remark(`As an HTML file this picture would have ${(size / 1e6).toFixed(1)} MB, more than 2 MB. PNG, CSV and JSON ` +
      'hold less.');
  } catch (error) {
    console.warn('HTML file:', error);
    shared.packed = shared.reader = null;
    remark('The HTML file could not be made: this browser does not compress, or the server is gone.');
  } finally {
    tool('html').disabled = false;
  }
});
