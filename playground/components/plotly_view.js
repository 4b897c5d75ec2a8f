// Draws one Plotly figure inside a gr.HTML component. Knows the page's theme and the keyboard; knows nothing
// of transformers, tokens or what a figure means.
//
// Gradio runs this text as the body of a function (element, trigger, props, server, upload, watch); Python puts
// `const PLOTLY_FILE = "…"` (the path of plotly.py's own plotly.min.js) in front of it. `props.value` is the
// figure as JSON text. Nothing in it is ever used as HTML here: descriptions become text nodes, and labels go
// to Plotly, which reads its own small set of tags and no scripts.
'use strict';

const NARROW = 500;           // px; below this, margins shrink and the legend goes under the picture
const wrap = element.querySelector('.pv-wrap');
const heading = element.querySelector('.pv-title');
const box = element.querySelector('.pv');
const cursorMark = element.querySelector('.pv-cursor');
const live = element.querySelector('.pv-live');
const words = element.querySelector('.pv-words');

// --- shared by all views of the page: the library, loaded once, and one watcher of the theme -------------------

const shared = (window.__playgroundPlots ??= {library: null, views: new Map(), dark: null, watcher: null});

function scriptAddress() {
  const root = new URL(window.gradio_config?.root || '.', window.location.href);
  const base = root.hostname === window.location.hostname ? window.location.origin + root.pathname : root.href;
  return base.replace(/\/$/, '') + '/gradio_api/file=' + encodeURI(PLOTLY_FILE);
}

function loadLibrary() {
  shared.library ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = scriptAddress();
    // Our own reference: gr.Plot, where a page has one, replaces window.Plotly with an older version.
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : reject(new Error('plotly.js is empty')));
    script.onerror = () => {
      script.remove();
      shared.library = null;   // the next draw tries again
      reject(new Error('plotly.js did not load'));
    };
    document.head.append(script);
  });
  return shared.library;
}

const isDark = () => document.body.classList.contains('dark') || document.documentElement.classList.contains('dark');

function watchPage() {
  if (shared.watcher) return;
  // Plotly's own play and pause buttons leave an interrupted animation's promise, rejected with nothing, to nobody.
  window.addEventListener('unhandledrejection', (event) => event.reason === undefined && event.preventDefault());
  shared.dark = isDark();
  shared.watcher = new MutationObserver(() => {
    if (isDark() === shared.dark) return;
    shared.dark = isDark();
    for (const redraw of [...shared.views.values()]) redraw();
  });
  for (const node of [document.body, document.documentElement]) {
    shared.watcher.observe(node, {attributes: true, attributeFilter: ['class']});
  }
}

// --- look ------------------------------------------------------------------------------------------------------

function colour(name, otherwise) {
  return getComputedStyle(element).getPropertyValue(name).trim() || otherwise;
}

/** `extra` laid over `base`, objects (and lists of objects) merged key by key; neither argument is changed. */
function merge(base, extra) {
  if (extra === undefined) return base;
  const plain = (v) => v !== null && typeof v === 'object' && !Array.isArray(v) && !ArrayBuffer.isView(v);
  if (Array.isArray(base) && Array.isArray(extra) && plain(base[0]) && plain(extra[0])) {
    return Array.from({length: Math.max(base.length, extra.length)}, (_, i) => merge(base[i], extra[i]));
  }
  if (!plain(base) || !plain(extra)) return extra;
  const result = {...base};
  for (const key of Object.keys(extra)) result[key] = merge(base[key], extra[key]);
  return result;
}

const CLEAR = 'rgba(0,0,0,0)';
// For figures that name no colours of their own; the same values as in playground/figures/theme.py.
const SEQUENTIAL = [[0, '#f4f7fc'], [0.12, '#dbe6f5'], [0.3, '#b3cdea'], [0.5, '#7fabdd'], [0.7, '#4d88cc'],
  [0.87, '#2b66b5'], [1, '#1b459c']];
const DIVERGING = [[0, '#134b8a'], [0.2, '#3f7fc0'], [0.38, '#a5c8e6'], [0.5, '#ffffff'], [0.62, '#f6bf95'],
  [0.8, '#d9703a'], [1, '#8f2f0b']];
const SCALED = ['heatmap', 'contour', 'surface', 'histogram2d', 'histogram2dcontour'];
const CATEGORIES = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#8c8c8c', '#b8a700'];

/** What a figure gets unless its own template says otherwise. */
function defaults(traces) {
  const data = {};
  for (const type of SCALED) data[type] = [{colorscale: SEQUENTIAL}];
  const cellsOnly = traces.length > 0 && traces.every((trace) => trace.type === 'heatmap');
  const axis = cellsOnly ? {showgrid: false, zeroline: false} : {};
  return {data, layout: {colorway: CATEGORIES, xaxis: axis, yaxis: axis, coloraxis: {colorscale: SEQUENTIAL},
    colorscale: {sequential: SEQUENTIAL, sequentialminus: SEQUENTIAL, diverging: DIVERGING}}};
}

/** The page's colours and type, as a Plotly template. The figure's own layout wins over it. */
function skin(narrow) {
  const text = colour('--body-text-color', '#1f2937');
  const quiet = colour('--body-text-color-subdued', '#64748b');
  const grid = colour('--border-color-primary', '#e2e8f0');
  const ground = colour('--background-fill-primary', '#ffffff');
  const accent = colour('--color-accent', '#2563eb');
  const font = {color: text, family: colour('--font', 'system-ui, sans-serif'), size: narrow ? 11 : 12};
  const axis = {gridcolor: grid, linecolor: grid, zerolinecolor: grid, tickcolor: grid, automargin: true};
  const axis3d = {gridcolor: grid, linecolor: grid, zerolinecolor: grid, showbackground: false,
    backgroundcolor: CLEAR};
  const colorbar = {outlinewidth: 0, thickness: narrow ? 8 : 12, tickcolor: grid, tickfont: {color: text},
    title: {font: {color: text}}};
  const data = {};
  for (const type of SCALED) data[type] = [{colorbar}];
  for (const type of ['scatter', 'scattergl', 'scatter3d', 'bar']) data[type] = [{marker: {colorbar}}];
  return {data, layout: {
    paper_bgcolor: CLEAR, plot_bgcolor: CLEAR, font,
    margin: narrow ? {l: 8, r: 8, t: 12, b: 8} : {l: 48, r: 16, t: 16, b: 40},
    xaxis: axis, yaxis: axis, scene: {xaxis: axis3d, yaxis: axis3d, zaxis: axis3d, bgcolor: CLEAR},
    coloraxis: {colorbar},
    legend: {font: {color: text}, bgcolor: CLEAR,
      ...(narrow ? {orientation: 'h', x: 0, yref: 'container', y: 0, yanchor: 'bottom'} : {})},
    hoverlabel: {bgcolor: ground, bordercolor: grid, align: 'left',
      font: {color: text, size: 12, family: colour('--font-mono', 'ui-monospace, monospace')}},
    modebar: {bgcolor: CLEAR, color: quiet, activecolor: accent},
    annotationdefaults: {font: {color: text}, arrowcolor: quiet},
    shapedefaults: {line: {color: quiet}},
    newselection: {line: {color: accent}}, activeselection: {fillcolor: accent},
    sliderdefaults: {bgcolor: grid, bordercolor: grid, activebgcolor: accent, tickcolor: quiet,
      font: {color: text}, currentvalue: {font: {color: text}}},
    updatemenudefaults: {bgcolor: ground, bordercolor: grid, font: {color: text}},
  }};
}

/** Puts a value where a path of keys leads. */
function put(tree, [key, ...rest], value) {
  if (rest.length) put((tree[key] ??= {}), rest, value);
  else tree[key] = value;
}

/** Plotly's label markup as plain words; the parsed document is inert: no script runs, no picture loads. */
function plainWords(markup) {
  if (markup === undefined || markup === null || markup === '') return '';
  const text = String(markup).replace(/<br\s*\/?>/gi, '\n');
  return new DOMParser().parseFromString(text, 'text/html').body.textContent.trim();
}

const titleOf = (layout) => plainWords(typeof layout?.title === 'string' ? layout.title : layout?.title?.text);

/** Fit the figure to the page: theme, width, fingers. */
function dress(figure, width) {
  const narrow = width < NARROW;
  const layout = (figure.layout ??= {});
  layout.template = merge(merge(defaults(figure.data || []), layout.template || {}), skin(narrow));
  delete layout.width;
  delete layout.height;         // the box decides; see fitHeight
  layout.autosize = true;
  if (titleOf(layout)) {
    // The title stands above the plot as text of the page: in the SVG it neither wraps nor stays whole (plotly.js
    // 4.1 shifts it off the picture where a colour bar lies flat). The room that the figure kept for it is given back.
    if (layout.margin?.t !== undefined) layout.margin.t = Math.max(8, layout.margin.t - 44);
    delete layout.title;
  }
  if (narrow && layout.margin) {
    const most = {l: 24, r: 12, t: 48, b: 64};
    for (const side of Object.keys(most)) {
      if (layout.margin[side] > most[side]) layout.margin[side] = most[side];
    }
  }
  if (narrow && layout.yaxis?.scaleanchor && !layout.yaxis.constrain) {
    // Ranges follow the room and the room the widths of the numbers: without this Plotly goes round in a circle.
    layout.yaxis.automargin = false;
    layout.margin = {...layout.margin, l: 52};
  }
  for (const trace of figure.data || []) {
    // Text in a 3D scene is drawn as pixels and shows entities as they are; hover labels still need them.
    if (trace.type === 'scatter3d' && Array.isArray(trace.text)) {
      trace.hovertext ??= trace.text;
      trace.text = trace.text.map(plainWords);
    }
  }
  // A finger that drags over a flat picture scrolls the page; zooming is for pointers that hover.
  const flat = !Object.keys(layout).some((key) => key.startsWith('scene'));
  const touch = window.matchMedia('(pointer: coarse)').matches;
  if (flat && touch && (layout.dragmode ?? 'zoom') === 'zoom') layout.dragmode = false;
  // Zoom and selection survive an update that shows the same kind of picture, and only that.
  layout.uirevision ??= (figure.data || []).map((t) =>
    [t.type, t.name, t.z?.shape ?? t.z?.length ?? t.x?.shape ?? t.x?.length].join()).join(';') || 'empty';
  return figure;
}

// --- drawing ---------------------------------------------------------------------------------------------------

let library = null;       // Plotly, once loaded
let bound = false;        // our listeners hang on the current plot
let wasNarrow = null;
let running = false, again = false;
let flight = null;        // where a visitor was flown to, and of which picture: it stays so in other colours

function fitHeight(layout) {
  const height = layout?.height || props.height;
  if (height) wrap.style.height = typeof height === 'number' ? `${height}px` : String(height);
}

function say(message) {
  purge();
  const note = document.createElement('p');
  note.className = 'pv-message';
  note.textContent = message;
  box.replaceChildren(note);
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
  if (!text) {
    purge();
    box.replaceChildren();
    words.textContent = heading.textContent = '';
    heading.hidden = true;
    box.removeAttribute('aria-label');
    table.hidden = size.hidden = true;
    return;
  }
  const figure = typeof text === 'string' ? JSON.parse(text) : structuredClone(text);
  fitHeight(figure.layout);
  describe(figure.layout);
  if (!box.clientWidth) return;                      // in a closed tab: the size watcher draws when it opens
  library = await loadLibrary();
  if (!element.isConnected || !box.clientWidth) return;
  wasNarrow = box.clientWidth < NARROW;
  if (props.mark) figure.layout.shapes = [props.mark];
  dress(figure, box.clientWidth);
  if (flight && flight.of === figure.layout.uirevision) {
    for (const [path, value] of Object.entries(flight.change)) put(figure.layout, path.split('.'), value);
  }
  if (!bound) box.replaceChildren();
  await library.react(box, {data: figure.data || [], layout: figure.layout, frames: figure.frames || [], config: {
    responsive: false, displaylogo: false, showSendToCloud: false, displayModeBar: wasNarrow ? false : 'hover',
    modeBarButtonsToRemove: ['autoScale2d'],
    toImageButtonOptions: {filename: pictureName()},
    ...figure.config,
  }});
  if (!bound) bind();
  const keys = grids().length > 0 || points().length > 0 || (figure.frames || []).length > 0;
  box.tabIndex = keys ? 0 : -1;
  box.setAttribute('role', keys ? 'application' : 'img');
  if (keys) box.setAttribute('aria-roledescription', 'chart');
  else box.removeAttribute('aria-roledescription');
  placeCursor();
  declutter();
  table.hidden = !hasNumbers();
  size.hidden = false;
  sent.textContent = `${(new Blob([typeof text === 'string' ? text : JSON.stringify(text)]).size / 1000).toFixed(0)} kB sent`;
  if (table.open) fillTable();
  delete box.dataset.error;
  box.dataset.rendered = String(Number(box.dataset.rendered || 0) + 1);   // tests wait for this
}

/** Of names beside points, in figures that ask for it, hides those that would cover one that stands before them. */
function declutter() {
  box.toggleAttribute('data-declutter', Boolean(box._fullLayout?.meta?.declutter));
  if (!box._fullLayout?.meta?.declutter) return;
  const taken = [];
  const names = [...box.querySelectorAll('.textpoint text, .annotation-text')];
  for (const name of names) name.style.visibility = '';
  for (const name of names) {
    const a = name.getBoundingClientRect();
    const free = taken.every((b) => a.right < b.left || b.right < a.left || a.bottom < b.top || b.bottom < a.top);
    if (free) taken.push(a);
    else name.style.visibility = 'hidden';
  }
}

/** Draw what `props.value` says now; calls that arrive meanwhile become one more draw, of the newest value. */
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

const or = (value, otherwise) => (value === undefined || Number.isNaN(value) ? otherwise : value);

function bind() {
  bound = true;
  box.on('plotly_click', (event) => {
    const p = event.points?.[0];
    if (!p) return;
    const index = p.pointNumber ?? p.pointIndex ?? null;
    if (Array.isArray(index)) setCursor({trace: p.curveNumber, row: index[0], column: index[1]}, false);
    trigger('select', {x: or(p.x, null), y: or(p.y, null), z: or(p.z, null), text: or(p.text, null),
      customdata: or(p.customdata, null), trace: p.curveNumber, index, value: or(p.z ?? p.y, null)});
  });
  const chosen = (event) => {
    const list = (event?.points || []).map((p) => ({trace: p.curveNumber, index: p.pointNumber ?? p.pointIndex,
      x: or(p.x, null), y: or(p.y, null), customdata: or(p.customdata, null)}));
    trigger('lasso', {indices: list.map((p) => p.index), points: list});
  };
  box.on('plotly_selected', (event) => event && chosen(event));
  box.on('plotly_deselect', () => chosen(null));
  box.on('plotly_relayout', (change) => {
    placeCursor();
    declutter();
    if (table.open) fillTable();
    // Not for our own resizing, which moves no axis; of a picture with two pairs of axes the first.
    if (!Object.keys(change || {}).some((key) => /^[xy]axis\./.test(key))) return;
    const {xaxis, yaxis} = box._fullLayout;
    if (xaxis && yaxis) trigger('zoom', {x0: xaxis.range[0], x1: xaxis.range[1], y0: yaxis.range[0], y1: yaxis.range[1]});
  });
}

// --- the same numbers as a table and as files, of what is in sight ------------------------------------------------

const table = element.querySelector('.pv-table');
const cells = element.querySelector('.pv-cells');
const size = element.querySelector('.pv-size');
const sent = size.querySelector('span');
const MOST_SHOWN = 40;        // rows and columns

const or4 = (v) => (typeof v === 'number' && Number.isFinite(v) ? Number(v.toPrecision(4)) :
  typeof v === 'string' ? plainWords(v) : '');

function bars() {
  return (box._fullData || []).map((t, i) => i).filter((i) =>
    box._fullData[i].type === 'bar' && box._fullData[i].visible === true && box._fullData[i].x?.length);
}

function hasNumbers() {
  return box._fullLayout?.meta?.table !== false && grids().length + bars().length > 0;
}

/** The numbers of the rows or columns whose middle lies within the axis' range, the first `most` of them. */
function inSight(axis, edges, count, most) {
  const [low, high] = [...axis.range].map(Number).sort((a, b) => a - b);
  const all = Array.from({length: count}, (_, i) => i).filter((i) => {
    const middle = (edges[i] + edges[i + 1]) / 2;
    return middle >= low && middle <= high;
  });
  return [all.slice(0, most), all.length];
}

/** {columns, rows, values, ofColumns, ofRows}: what the first heat map, or else the bars, show; `most` of each at most. */
function numbersShown(most) {
  const number = grids()[0];
  if (number === undefined) return numbersOfBars(most);
  const trace = box._fullData[number], cell = box.calcdata[number][0];
  const xa = axisOf(trace.xaxis), ya = axisOf(trace.yaxis);
  const [columns, ofColumns] = inSight(xa, cell.x, cell.z[0].length, most);
  const [rows, ofRows] = inSight(ya, cell.y, cell.z.length, most);
  const place = (list, i) => (list?.length ? or(list[i], i) : i);
  // What is said of a cell: its text where the picture writes one, the number behind a shade that is not linear.
  const grid = [trace.text, trace.customdata, cell.z].find((g) => g && typeof g[0] === 'object' && g[0]?.length);
  return {columns: columns.map((c) => tickWords(xa, place(trace.x, c))), ofColumns, ofRows,
    rows: rows.map((r) => tickWords(ya, place(trace.y, r))),
    values: rows.map((r) => columns.map((c) => grid[r]?.[c]))};
}

function numbersOfBars(most) {
  const traces = bars().map((i) => box._fullData[i]);
  const lying = traces[0].orientation === 'h';
  const axis = axisOf(lying ? traces[0].yaxis : traces[0].xaxis), along = axisOf(lying ? traces[0].xaxis : traces[0].yaxis);
  const places = [...new Set(traces.flatMap((t) => [...(lying ? t.y : t.x)]))];
  const named = traces.length > 1 || !along.title?.text;
  return {columns: traces.map((t) => plainWords(named ? t.name : along.title.text)), ofColumns: traces.length,
    ofRows: places.length, rows: places.slice(0, most).map((p) => tickWords(axis, p)),
    values: places.slice(0, most).map((p) => traces.map((t) => (lying ? t.x : t.y)[[...(lying ? t.y : t.x)].indexOf(p)]))};
}

function fillTable() {
  cells.replaceChildren();
  if (!hasNumbers()) return;
  const found = numbersShown(MOST_SHOWN);
  const make = (tag, text, parent, scope) => {
    const node = document.createElement(tag);
    node.textContent = text;
    if (scope) node.scope = scope;
    parent.append(node);
    return node;
  };
  const shown = document.createElement('table');
  const {rows, columns, ofRows, ofColumns} = found;
  const caption = rows.length < ofRows || columns.length < ofColumns ?
    `The first ${rows.length} of ${ofRows} rows and ${columns.length} of ${ofColumns} columns in sight; zoom in for others.` : '';
  make('caption', caption, shown);
  const head = make('tr', '', make('thead', '', shown));
  make('td', '', head);
  for (const name of columns) make('th', name, head, 'col');
  const body = make('tbody', '', shown);
  rows.forEach((name, r) => {
    const line = make('tr', '', body);
    make('th', name, line, 'row');
    for (const value of found.values[r]) make('td', String(or4(value)), line);
  });
  cells.append(shown);
}

table.addEventListener('toggle', () => { if (table.open && bound) fillTable(); });

/** A name for a spreadsheet's cell, which must not read it as a formula. */
const csvCell = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : String(text)).replaceAll('"', '""')}"`;

const asCsv = ({columns, rows, values}) => [['""', ...columns.map(csvCell)], ...rows.map((name, r) =>
  [csvCell(name), ...values[r].map((v) => (typeof v === 'number' ? v : typeof v === 'string' ? csvCell(plainWords(v)) : ''))])]
  .map((line) => line.join(',')).join('\r\n') + '\r\n';

const pictureName = () => heading.textContent.replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 60) || props.label || 'picture';

for (const button of element.querySelectorAll('.pv-save button')) {
  button.addEventListener('click', () => {
    if (!hasNumbers()) return;
    const {columns, rows, values} = numbersShown(Infinity), csv = button.dataset.kind === 'csv';
    const text = csv ? `\ufeff${asCsv({columns, rows, values})}` : JSON.stringify({columns, rows, values});
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], {type: csv ? 'text/csv' : 'application/json'}));
    link.download = `${pictureName()}.${button.dataset.kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}

// The picture as it stands, with its title and on the page's ground, twice as fine as on the screen.
size.querySelector('button').addEventListener('click', () => {
  if (!bound) return;
  const ground = colour('--background-fill-primary', '#ffffff');
  const layout = {...structuredClone(box.layout), paper_bgcolor: ground, plot_bgcolor: ground};
  const title = heading.textContent.replace(/[&<>]/g, (c) => ({'&': '&amp;', '<': '&lt;', '>': '&gt;'})[c]);
  if (title) {
    layout.title = {text: title.replaceAll('\n', '<br>'), x: 0.02, xanchor: 'left', font: {size: 15}};
    layout.margin = {...layout.margin, t: (layout.margin?.t ?? 16) + 20 + 20 * title.split('\n').length};
  }
  library.downloadImage({data: box.data, layout}, {format: 'png', scale: 2, width: box.clientWidth,
    height: box.clientHeight + (title ? 40 : 0), filename: pictureName()}).catch((error) => console.warn('picture:', error));
});

// --- keyboard: a cursor on heatmap cells, or a step through the points of flat traces ---------------------------

let speaking = 0;
let cursor = null;        // {trace, row, column} on a heatmap, {trace, point} elsewhere

function grids() {
  return (box._fullData || []).map((t, i) => i).filter((i) =>
    box._fullData[i].type === 'heatmap' && box._fullData[i].visible === true && box.calcdata?.[i]?.[0]?.z?.length);
}

function points() {
  return (box._fullData || []).map((t, i) => i).filter((i) =>
    ['scatter', 'scattergl', 'bar'].includes(box._fullData[i].type) && box._fullData[i].visible === true &&
    box._fullData[i].hoverinfo !== 'skip' && (box._fullData[i]._length || box._fullData[i].x?.length));
}

const axisOf = (id) => box._fullLayout[id.replace(/^([xy])/, '$1axis')];

function cellBox(at) {
  const trace = box._fullData[at.trace];
  const cell = box.calcdata[at.trace][0];
  const xa = axisOf(trace.xaxis), ya = axisOf(trace.yaxis);
  const span = (axis, low, high) => [axis._offset + axis.c2p(low), axis._offset + axis.c2p(high)].sort((a, b) => a - b);
  const [left, right] = span(xa, cell.x[at.column], cell.x[at.column + 1]);
  const [top, bottom] = span(ya, cell.y[at.row], cell.y[at.row + 1]);
  const inside = right > xa._offset && left < xa._offset + xa._length && bottom > ya._offset &&
    top < ya._offset + ya._length;
  return {left, right, top, bottom, inside, xa, ya, cell, trace,
    down: ya.c2p(cell.y[1]) > ya.c2p(cell.y[0]), rightward: xa.c2p(cell.x[1]) > xa.c2p(cell.x[0])};
}

function hideCursor() {
  cursor = null;
  cursorMark.hidden = true;
}

function placeCursor() {
  cursorMark.hidden = true;
  if (cursor === null) return;
  if (cursor.row === undefined) { if (!points().includes(cursor.trace)) cursor = null; return; }
  const z = grids().includes(cursor.trace) ? box.calcdata[cursor.trace][0].z : null;
  if (!z || cursor.row >= z.length || cursor.column >= z[0].length) { cursor = null; return; }
  const at = cellBox(cursor);
  if (!at.inside) return;
  Object.assign(cursorMark.style, {left: `${at.left}px`, top: `${at.top + box.offsetTop}px`,
    width: `${at.right - at.left}px`, height: `${at.bottom - at.top}px`});
  cursorMark.hidden = false;
}

function tickWords(axis, value) {
  const alias = axis.labelalias?.[value] ?? axis.labelalias?.[Math.round(value)];   // as Plotly writes the place
  if (alias !== undefined) return plainWords(alias);
  const place = Array.from(axis.tickvals || []).findIndex((v) => v === value);
  return plainWords(place >= 0 && axis.ticktext ? axis.ticktext[place] : axis._categories?.[value] ?? value);
}

/** The same fields that a click sends, for the cell or point under the cursor. */
function chosenData() {
  const trace = box._fullData[cursor.trace];
  if (cursor.row === undefined) {
    const i = cursor.point;
    const one = (list) => (list === undefined || typeof list === 'string' ? list ?? null : or(list[i], null));
    return {x: one(trace.x), y: one(trace.y), z: null, text: one(trace.text), customdata: one(trace.customdata),
      trace: cursor.trace, index: i, value: one(trace.y)};
  }
  const {row, column} = cursor;
  const cell = (grid) => (Array.isArray(grid) || ArrayBuffer.isView(grid) ? or(grid[row]?.[column], null) : null);
  const along = (list, i) => (list?.length ? or(list[i], i) : i);
  const z = cell(box.calcdata[cursor.trace][0].z);
  return {x: along(trace.x, column), y: along(trace.y, row), z, text: cell(trace.text),
    customdata: cell(trace.customdata), trace: cursor.trace, index: [row, column], value: z};
}

/** What the hover label says now, lines joined; it is the figure's own wording. */
function hoverWords() {
  return [...box.querySelectorAll('.hoverlayer .hovertext text, .hoverlayer .axistext text')].map((node) => {
    const lines = [...node.querySelectorAll('tspan.line')];
    return (lines.length ? lines : [node]).map((line) => line.textContent.trim()).filter(Boolean).join(', ');
  }).filter(Boolean).join(', ');
}

/** Move the cursor; with `speak` also show the hover label there and say what it says. */
function setCursor(at, speak) {
  cursor = at;
  placeCursor();
  if (!speak) return;
  const chosen = chosenData();
  let otherwise;
  if (at.row === undefined) {
    library.Fx.hover(box, [{curveNumber: at.trace, pointNumber: at.point}]);
    otherwise = [chosen.text ?? box._fullData[at.trace].name, chosen.x, chosen.y].filter((v) => v !== null &&
      v !== undefined && v !== '').map(plainWords).join(', ');
  } else {
    const {cell, xa, ya, trace} = cellBox(at);
    const x = (cell.x[at.column] + cell.x[at.column + 1]) / 2, y = (cell.y[at.row] + cell.y[at.row + 1]) / 2;
    library.Fx.hover(box, {xval: x, yval: y}, trace.xaxis + trace.yaxis);
    otherwise = `${tickWords(ya, or(chosen.y, at.row))}, ${tickWords(xa, or(chosen.x, at.column))}: ` +
      (typeof chosen.z === 'number' ? Number(chosen.z.toPrecision(3)) : 'empty');
  }
  clearTimeout(speaking);
  speaking = setTimeout(() => { live.textContent = hoverWords() || otherwise; }, 120);   // Plotly hovers lazily
}

function stepGrid(key, all) {
  if (cursor === null || cursor.row === undefined) return {trace: all[0], row: 0, column: 0};
  if (key === 'PageDown' || key === 'PageUp') {
    const next = all[all.indexOf(cursor.trace) + (key === 'PageDown' ? 1 : -1)];
    return next === undefined ? cursor : {trace: next, row: 0, column: 0};
  }
  const z = box.calcdata[cursor.trace][0].z;
  const {down, rightward} = cellBox(cursor);
  const last = {row: z.length - 1, column: z[0].length - 1};
  if (key === 'Home') return {...cursor, column: rightward ? 0 : last.column};
  if (key === 'End') return {...cursor, column: rightward ? last.column : 0};
  const vertical = key === 'ArrowUp' || key === 'ArrowDown';
  const forward = vertical ? (key === 'ArrowDown') === down : (key === 'ArrowRight') === rightward;
  const name = vertical ? 'row' : 'column';
  const at = {...cursor};
  do {                                   // gutters between small pictures hold NaN: step over them
    at[name] += forward ? 1 : -1;
    if (at[name] < 0 || at[name] > last[name]) return cursor;
  } while (!Number.isFinite(z[at.row][at.column]) && at[name] !== 0 && at[name] !== last[name]);
  return at;
}

function stepPoints(key, all) {
  if (cursor === null || cursor.point === undefined) return {trace: all[0], point: 0};
  const trace = box._fullData[cursor.trace];
  const count = trace._length || trace.x.length;
  const sideways = {ArrowRight: 1, ArrowLeft: -1, Home: -count, End: count}[key];
  if (sideways !== undefined) return {...cursor, point: Math.max(0, Math.min(count - 1, cursor.point + sideways))};
  const other = all[all.indexOf(cursor.trace) + (key === 'ArrowDown' || key === 'PageDown' ? 1 : -1)];
  return other === undefined ? cursor : {trace: other, point: 0};
}

const KEYS = ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown'];

box.addEventListener('keydown', (event) => {
  if (!bound || event.target !== box || event.ctrlKey || event.metaKey || event.altKey) return;
  const cells = grids(), dots = points();
  if (KEYS.includes(event.key) && (cells.length || dots.length)) {
    setCursor(cells.length ? stepGrid(event.key, cells) : stepPoints(event.key, dots), true);
  } else if (event.key === 'Enter' && cursor !== null) {
    trigger('select', chosenData());
  } else if (event.key === 'Escape' && cursor !== null) {
    hideCursor();
    library.Fx.unhover(box);
  } else if (event.key === ' ' && box._transitionData?._frames?.length) {
    const playing = box._transitioning || box._transitionData._frameQueue?.length;
    library.animate(box, playing ? [null] : null, playing ? {mode: 'immediate', frame: {duration: 0}} :
      {fromcurrent: true, frame: {duration: 500, redraw: true}, transition: {duration: 0}}).catch(() => {});
  } else {
    return;
  }
  event.preventDefault();
});
box.addEventListener('blur', () => library && bound && library.Fx.unhover(box));

// --- life: sizes, tabs, removal --------------------------------------------------------------------------------

let lastWidth = 0, lastHeight = 0, frame = 0;

function resized() {
  frame = 0;
  if (!element.isConnected) {                      // taken off the page: let the plot and its listeners go
    purge();
    shared.views.delete(element);
    lastWidth = lastHeight = 0;
    return;
  }
  const {clientWidth: width, clientHeight: height} = box;
  if (!width || (width === lastWidth && height === lastHeight)) return;
  lastWidth = width;
  lastHeight = height;
  if (!bound || (width < NARROW) !== wasNarrow) draw();
  else Promise.resolve(library.Plots.resize(box)).then(() => { placeCursor(); declutter(); }, () => {});
}

// A view taken away while its tab was closed never resizes again: the next view to appear sweeps it up.
for (const node of [...shared.views.keys()]) if (!node.isConnected) shared.views.delete(node);
watchPage();
new ResizeObserver(() => { frame ||= setTimeout(resized, 16); }).observe(box);
watch(['value', 'height'], draw);
watch('view', () => {
  const {_, of, ...change} = props.view || {};
  if (!Object.keys(change).length) return;
  flight = {of, change};
  if (bound) library.relayout(box, change).then(() => { box.dataset.flown = String(_); });
});
watch('mark', () => { if (bound && props.mark) library.relayout(box, {shapes: [props.mark]}); });
draw();
