// The first of the scripts that draw a Plotly figure in a gr.HTML component: the elements of the view, plotly.js
// itself, and the look that a figure takes from the page. Knows the page's CSS variables; knows no models, no tokens
// and no figure's meaning.
//
// shared_script.js joins them (plotly_view.py:SCRIPTS) and runs them for each view as the body of a function
// (…, LIBRARIES, element, trigger, props, watch); LIBRARIES has plotly.py's own plotly.js, first without most kinds of traces,
// then with those for WebGL (plotly_library.py), then whole. `props.value` is the
// figure as JSON text. Nothing in it is used as HTML: descriptions become text nodes, and labels go to Plotly, which reads
// a small set of tags and no scripts.

const NARROW = 500;           // px; below this, margins shrink and the legend goes under the picture
const wrap = element.querySelector('.pv-wrap');
const heading = element.querySelector('.pv-title');
const box = element.querySelector('.pv');
const cursorMark = element.querySelector('.pv-cursor');
const live = element.querySelector('.pv-live');
const words = element.querySelector('.pv-words');

// --- shared by all views of the page: plotly.js, loaded once, and one watcher of light and dark -----------------

const SMALL = 0, WEBGL = 1, WHOLE = 2;   // of LIBRARIES
const shared = (window.__playgroundPlots ??= {libraries: [], views: new Map(), dark: null, watcher: null, turns: []});

function loadLibrary(which) {
  shared.libraries[which] ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = address(LIBRARIES[which]);
    // Keep our own reference: gr.Plot, where a page has one, replaces window.Plotly with an older version.
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : reject(new Error('plotly.js is empty')));
    script.onerror = () => {
      script.remove();
      shared.libraries[which] = null;   // the next draw tries again
      reject(new Error('plotly.js did not load'));
    };
    document.head.append(script);
  });
  return shared.libraries[which];
}

/** The library that draws the figure's traces. */
async function libraryFor(figure) {
  for (const which of [SMALL, WEBGL]) {
    const one = await loadLibrary(which), kinds = one.playgroundKinds;
    if (!kinds || (figure.data || []).every(({type = 'scatter'}) => kinds.includes(type))) return one;
  }
  return loadLibrary(WHOLE);
}

/** Resolves when it is this view's turn to draw: of the views that wait the uppermost in sight comes first, and the browser
 *  shows it before the next one is drawn. At once while the page is printed (print_sheet.js): the browser does not wait. */
async function turn() {
  if (document.documentElement.classList.contains('pg-printing')) return;
  await new Promise((resolve) => {
    shared.turns.push({box, resolve});
    if (shared.turns.length === 1) setTimeout(nextTurn);
  });
}

function nextTurn() {
  const place = (waits) => {
    const {top, bottom} = waits.box.getBoundingClientRect();
    return bottom > 0 ? top : Number.MAX_VALUE;          // what was scrolled past comes last
  };
  const places = shared.turns.map(place);
  const [first] = shared.turns.splice(places.indexOf(Math.min(...places)), 1);
  first.resolve();
  if (shared.turns.length) setTimeout(nextTurn);
}

const isDark = () => document.body.classList.contains('dark') || document.documentElement.classList.contains('dark');

function watchPage() {
  if (shared.watcher) return;
  // Plotly's play and pause buttons reject the promise of an interrupted animation with undefined; nobody handles it.
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

/** The value of one of the page's CSS variables; undefined where the page has none of that name. */
const variable = (name) => getComputedStyle(element).getPropertyValue(name).trim() || undefined;

/** A colour scale from a CSS variable such as "0 navy, 0.5 white, 1 red". */
const scale = (name) => variable(name)?.split(',').map((stop) => {
  const [place, tone] = stop.trim().split(/\s+/);
  return [Number(place), tone];
});

/** Light colour -> the one in its place on a dark page; empty on a light one. */
const partners = () => new Map((variable('--pg-partners') ?? 'none').split(',').map((pair) => pair.trim().split(/\s+/))
  .filter((pair) => pair.length === 2));

/** A part of a figure in the colours of the page's theme; the part itself is changed. A figure names colours by the light
 *  ones (figures/theme.py), with two more digits for an opacity. Texts stay as they are, but for spans of our own. */
function themed(part, dark = partners(), isColour = false) {
  if (!dark.size) return part;
  if (typeof part === 'string') {
    if (isColour) return (dark.get(part.slice(0, 7)) ?? part.slice(0, 7)) + part.slice(7);
    return part.replace(/(<span style="color:)(#[0-9a-f]{6})/g, (span, start, colour) => start + (dark.get(colour) ?? colour));
  }
  if (part === null || typeof part !== 'object' || ArrayBuffer.isView(part) || 'bdata' in part) return part;
  if (Array.isArray(part)) {
    if (typeof part[0] === 'number' && !isColour) return part;
    part.forEach((item, i) => { part[i] = themed(item, dark, isColour); });
  } else {
    for (const key of Object.keys(part)) part[key] = themed(part[key], dark, /color/i.test(key));
  }
  return part;
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
const SCALED = ['heatmap', 'contour', 'surface', 'histogram2d', 'histogram2dcontour'];

/** The colours of figures that name none of their own; a figure's own template wins over them. */
function defaults(traces) {
  const sequential = scale('--pg-sequential'), diverging = scale('--pg-diverging');
  const categories = variable('--pg-categories')?.split(',').map((tone) => tone.trim());
  const data = {};
  for (const type of SCALED) data[type] = [{colorscale: sequential}];
  const cellsOnly = traces.length > 0 && traces.every((trace) => trace.type === 'heatmap');
  const axis = cellsOnly ? {showgrid: false, zeroline: false} : {};
  return {data, layout: {colorway: categories, xaxis: axis, yaxis: axis, coloraxis: {colorscale: sequential},
    colorscale: {sequential, sequentialminus: sequential, diverging}}};
}

/** The page's colours and type, as a Plotly template. A figure's own layout wins over it. */
function skin(narrow) {
  const text = variable('--body-text-color');
  const quiet = variable('--body-text-color-subdued');
  const grid = variable('--border-color-primary');
  const ground = variable('--background-fill-primary');
  const accent = variable('--color-accent');
  const font = {color: text, family: variable('--font'), size: narrow ? 11 : 12};
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
      font: {color: text, size: 12, family: variable('--font-mono')}},
    modebar: {bgcolor: CLEAR, color: quiet, activecolor: accent},
    annotationdefaults: {font: {color: text}, arrowcolor: quiet},
    shapedefaults: {line: {color: quiet}},
    newselection: {line: {color: accent}}, activeselection: {fillcolor: accent},
    sliderdefaults: {bgcolor: grid, bordercolor: grid, activebgcolor: accent, tickcolor: quiet,
      font: {color: text}, currentvalue: {font: {color: text}}},
    updatemenudefaults: {bgcolor: ground, bordercolor: grid, font: {color: text}},
  }};
}

/** Sets a value at the end of a path of keys, with the objects on the way. */
function put(tree, [key, ...rest], value) {
  if (rest.length) put((tree[key] ??= {}), rest, value);
  else tree[key] = value;
}

/** Plotly's label markup as plain text. The parsed document is inert: no script runs, no picture loads. */
function plainWords(markup) {
  if (markup === undefined || markup === null || markup === '') return '';
  const text = String(markup).replace(/<br\s*\/?>/gi, '\n');
  return new DOMParser().parseFromString(text, 'text/html').body.textContent.trim();
}

const titleOf = (layout) => plainWords(typeof layout?.title === 'string' ? layout.title : layout?.title?.text);

/** Fits the figure to the page: its theme and its width. */
function dress(figure, width) {
  const narrow = width < NARROW;
  window.__playgroundLanguage?.figure(figure);
  themed(figure);
  const layout = (figure.layout ??= {});
  layout.template = merge(merge(defaults(figure.data || []), layout.template || {}), skin(narrow));
  delete layout.width;
  delete layout.height;         // the box decides; see fitHeight
  layout.autosize = true;
  if (titleOf(layout)) {
    // The title stands above the plot as text of the page. In the SVG it does not wrap, and plotly.js 4.1 shifts it
    // off the picture where a colour bar lies flat. The margin that the figure reserved for it goes.
    if (layout.margin?.t !== undefined) layout.margin.t = Math.max(8, layout.margin.t - 44);
    delete layout.title;
  }
  if (narrow && layout.margin) {
    const most = {l: 24, r: 12, t: 48, b: 64};
    for (const side of Object.keys(most)) {
      if (layout.margin[side] > most[side]) layout.margin[side] = most[side];
    }
  }
  if (narrow) {
    fitNames(figure, width);
    fitColourBars(figure, width);
  }
  if (narrow && layout.yaxis?.scaleanchor && !layout.yaxis.constrain) {
    // Ranges follow the margins, and margins follow the widths of the numbers: Plotly would not come to an end.
    layout.yaxis.automargin = false;
    layout.margin = {...layout.margin, l: 52};
  }
  for (const trace of figure.data || []) {
    // Plotly draws text of a 3D scene as pixels and does not decode entities; hover labels still need them encoded.
    if (trace.type === 'scatter3d' && Array.isArray(trace.text)) {
      trace.hovertext ??= trace.text;
      trace.text = trace.text.map(plainWords);
    }
  }
  // A veil hides what lies below it in the colour of the page, whichever that is.
  for (const trace of figure.data || []) if (trace.meta === 'veil') trace.fillcolor = variable('--background-fill-primary');
  // Zoom and selection survive an update only if it shows the same kind of picture.
  layout.uirevision ??= (figure.data || []).map((t) =>
    [t.type, t.name, t.z?.shape ?? t.z?.length ?? t.x?.shape ?? t.x?.length].join()).join(';') || 'empty';
  return figure;
}
