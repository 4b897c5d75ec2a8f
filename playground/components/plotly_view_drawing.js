// The last of the scripts of PlotlyView: drawing, redrawing and removal, and the events of the plot. It comes last because
// it begins to draw. See plotly_view_theme.js.

// --- drawing ---------------------------------------------------------------------------------------------------

let library = null;       // Plotly that drew the plot last
let bound = false;        // our listeners hang on the current plot
let wasNarrow = null;
let scrolled = null;      // the uirevision of the picture that was scrolled to its end
let revision;             // the uirevision of the picture that is drawn
let counted = null;       // the figure whose size the console has
let running = false, again = false;
let owed = false;         // a value came while the tab was closed
let shapes = [];          // of the figure itself, under the mark
let flight = null;        // {of, change}: the view last set by Python and the uirevision of its picture; kept when colours change

function fitHeight(layout) {
  const height = layout?.height || props.height;
  if (height) frame.style.setProperty('--pv-height', typeof height === 'number' ? `${height}px` : String(height));
}

function say(message) {
  purge();
  box.replaceChildren();
  box.translate = true;
  if (!message) return;
  const note = document.createElement('p');
  note.className = 'pv-message';
  note.textContent = message;
  box.append(note);
}

function purge() {
  hideCursor();
  if (library && bound) library.purge(box);
  bound = false;
}

function describe(layout) {
  const description = layout?.meta?.description || '';
  const title = titleOf(layout);
  heading.textContent = title;
  heading.hidden = !title;
  const name = description || title || props.label || 'Chart';
  box.setAttribute('aria-label', String(name));
  words.textContent = description;
}

async function drawOnce() {
  const text = props.value;
  const figure = !text ? {words: ''} : typeof text === 'string' ? JSON.parse(text) : structuredClone(text);
  if (figure.words !== undefined) {                  // no picture: why there is none, if that is said
    say(figure.words);
    words.textContent = heading.textContent = '';
    heading.hidden = true;
    box.removeAttribute('aria-label');
    if (figure.words) box.setAttribute('role', 'note');
    else box.removeAttribute('role');
    box.tabIndex = -1;
    table.hidden = tools.hidden = python.hidden = true;
    frame.toggleAttribute('data-blank', !figure.words);
    return;
  }
  fitHeight(figure.layout);
  describe(figure.layout);
  const least = Number(figure.layout?.meta?.minWidth);   // a narrower screen scrolls inside the picture
  box.style.minWidth = least > 0 ? `${least}px` : '';
  wrap.toggleAttribute('data-wide', least > 0);
  owed = !box.clientWidth;
  if (owed) return;                                  // in a closed tab: the size watcher draws when it opens
  withoutWebGL(figure);
  const drawsIt = await libraryFor(figure);
  await window.__playgroundLanguage?.ready();
  await turn();
  owed = !box.clientWidth;
  if (!element.isConnected || owed) return;
  wasNarrow = box.clientWidth < NARROW;
  shapes = figure.layout.shapes || [];
  if (props.mark) figure.layout.shapes = [...shapes, structuredClone(props.mark)];
  if (library !== drawsIt) purge();                  // each takes off its own plots alone
  library = drawsIt;
  noteDrag(figure);
  dress(figure, box.clientWidth);
  const gestures = fitGestures(figure);
  if (flight && flight.of === figure.layout.uirevision) {
    for (const [path, value] of Object.entries(flight.change)) put(figure.layout, path.split('.'), themed(structuredClone(value)));
  }
  if (!bound) box.replaceChildren();
  box.translate = false;      // its labels are translated before they are drawn; its ticks are a model's tokens
  await library.react(box, {data: figure.data || [], layout: figure.layout, frames: figure.frames || [], config: {
    responsive: false, displaylogo: false, showSendToCloud: false, ...gestures, ...figure.config,
  }});
  if (!bound) { bind(); inkCells(); }
  frame.toggleAttribute('data-blank', false);
  noteStart(revision !== figure.layout.uirevision);
  revision = figure.layout.uirevision;
  if (figure.layout.meta?.scroll === 'end' && scrolled !== figure.layout.uirevision) {   // once for each picture
    scrolled = figure.layout.uirevision;
    wrap.scrollLeft = wrap.scrollWidth;
  }
  const keys = grids().length > 0 || points().length > 0 || (figure.frames || []).length > 0;
  box.tabIndex = keys ? 0 : -1;
  box.setAttribute('role', keys ? 'application' : 'img');
  if (keys) box.setAttribute('aria-roledescription', 'chart');
  else box.removeAttribute('aria-roledescription');
  placeCursor();
  declutter();
  table.hidden = !hasNumbers();
  tools.hidden = false;
  if (text !== counted) console.info(`${props.label || 'picture'}: ${Math.ceil(new Blob([text]).size / 1000)} kB`);
  counted = text;
  if (table.open) fillTable();
  delete box.dataset.error;
  box.dataset.rendered = String(Number(box.dataset.rendered || 0) + 1);   // tests wait for this
}

/** Hides the names beside points that would cover an earlier one, in figures whose meta asks for it. */
function declutter() {
  box.toggleAttribute('data-declutter', Boolean(box._fullLayout?.meta?.declutter));
  if (!box._fullLayout?.meta?.declutter) return;
  const rooms = [];         // of the names that are seen
  const names = [...box.querySelectorAll('.textpoint text, .annotation-text')];
  for (const name of names) name.style.visibility = '';
  for (const name of names) {
    const a = name.getBoundingClientRect();
    const free = rooms.every((b) => a.right < b.left || b.right < a.left || a.bottom < b.top || b.bottom < a.top);
    if (free) rooms.push(a);
    else name.style.visibility = 'hidden';
  }
}

/** Draws `props.value`. Calls during a draw are merged into one more draw, of the newest value. */
async function draw() {
  again = true;
  if (running) return;
  running = true;
  try {
    while (again) {
      again = false;
      shared.views.set(element, draw);
      await drawOnce();
    }
  } catch (error) {
    console.warn('chart:', error);
    box.dataset.error = String(error?.message || error);
    say('This chart could not be drawn: ' + (library ? 'its data are not readable.' :
      'the drawing library did not load. Reload the page.'));
  } finally {
    running = false;
  }
}

// --- events ----------------------------------------------------------------------------------------------------

/** A point's customdata for Python; rows of a numpy array are typed arrays, which JSON would write as objects. */
const plain = (data) => (ArrayBuffer.isView(data) ? Array.from(data) : or(data, null));

function bind() {
  bound = true;
  box.on('plotly_click', (event) => {
    const p = event.points?.[0];
    if (!p) return;
    const index = wholeIndex(p.curveNumber, p.pointNumber ?? p.pointIndex ?? null);
    if (Array.isArray(index)) setCursor({trace: p.curveNumber, row: index[0], column: index[1]}, false);
    trigger('select', {x: or(p.x, null), y: or(p.y, null), z: or(p.z, null), text: or(p.text, null),
      customdata: plain(p.customdata), trace: p.curveNumber, index, value: or(p.z ?? p.y, null)});
  });
  const lasso = (event) => {
    const list = (event?.points || []).map((p) => ({trace: p.curveNumber,
      index: wholeIndex(p.curveNumber, p.pointNumber ?? p.pointIndex), x: or(p.x, null), y: or(p.y, null),
      customdata: plain(p.customdata)}));
    trigger('lasso', {indices: list.map((p) => p.index), points: list});
  };
  box.on('plotly_selected', (event) => event && lasso(event));
  box.on('plotly_deselect', () => lasso(null));
  box.on('plotly_afterplot', inkCells);
  box.on('plotly_relayout', (change) => {
    inkCells();   // a zoom draws the numbers anew and reports no afterplot
    placeCursor();
    declutter();
    if (table.open) fillTable();
    noteMove(change);
    // Resizing moves no axis and is not reported. Of a picture with two pairs of axes the first counts.
    if (!Object.keys(change || {}).some((key) => /^[xy]axis\./.test(key))) return;
    const {xaxis, yaxis} = box._fullLayout;
    if (xaxis && yaxis) trigger('zoom', {x0: xaxis.range[0], x1: xaxis.range[1], y0: yaxis.range[0], y1: yaxis.range[1]});
  });
}

// --- life: sizes, tabs, removal --------------------------------------------------------------------------------

let lastWidth = 0, lastHeight = 0, due = 0;

function resized() {
  due = 0;
  if (!element.isConnected) {                      // taken off the page: free the plot and its listeners
    purge();
    shared.views.delete(element);
    shared.parts.delete(element);
    lastWidth = lastHeight = 0;
    return;
  }
  const {clientWidth: width, clientHeight: height} = box;
  if (!width || (width === lastWidth && height === lastHeight && !owed)) return;
  lastWidth = width;
  lastHeight = height;
  if (!bound || owed || (width < NARROW) !== wasNarrow) draw();
  else Promise.resolve(library.Plots.resize(box)).then(() => { placeCursor(); declutter(); }, () => {});
}

// A view that was removed while its tab was closed never resizes again: the next new view drops it.
for (const map of [shared.views, shared.parts]) for (const node of [...map.keys()]) if (!node.isConnected) map.delete(node);
watchPage();
new ResizeObserver(() => { due ||= setTimeout(resized, 16); }).observe(box);
watch(['value', 'height'], draw);
watch('view', () => {
  const {_, of, ...change} = props.view || {};
  if (!Object.keys(change).length) return;
  flight = {of, change};
  if (bound) library.relayout(box, themed(structuredClone(change))).then(() => { box.dataset.flown = String(_); });
});
watch('mark', () => {
  if (!props.mark) return;
  if (bound && !running) library.relayout(box, {shapes: [...shapes, themed(structuredClone(props.mark))]});
  else draw();   // the drawing under way may have read the former mark
});
loadLibrary(SMALL).catch(() => {});   // while the first figure is still being computed
draw();
