// Of the scripts of PlotlyView: figures for a browser that draws no WebGL. Points become SVG, of very many a sample; of a
// scene the first two dimensions are drawn. A line above the buttons says so. See plotly_view_theme.js.

const MOST_AS_SVG = 4000;   // points: 49,152 stop a browser for twelve seconds, and for minutes when it paints them
const note = element.querySelector('.pv-note');
let sampled = new Map();    // trace -> the numbers of the points that are drawn of it

function hasWebGL() {
  shared.webgl ??= (() => {
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('webgl') || canvas.getContext('experimental-webgl');
    context?.getExtension('WEBGL_lose_context')?.loseContext();   // a browser has room for sixteen
    return Boolean(context);
  })();
  return shared.webgl;
}

/** The number of a drawn point among all of its trace. */
const wholeIndex = (trace, index) => sampled.get(trace)?.[index] ?? index;

/** These places of a list of this length. Anything of another length is left. */
function picked(values, places, length) {
  const list = listOf(values);
  return Array.isArray(list) && list.length === length ? places.map((place) => list[place]) : values;
}

/** How many points a trace has. */
const pointsOf = ({x}) => listOf(x)?.length ?? 0;

/** A trace of very many points with as many as SVG can carry, evenly picked. */
function sample(trace, number) {
  const length = pointsOf(trace);
  if (length <= MOST_AS_SVG) return trace;
  const places = Array.from({length: MOST_AS_SVG}, (_, place) => Math.floor(place * length / MOST_AS_SVG));
  const each = (part) => Object.fromEntries(Object.entries(part).map(([key, values]) => [key, picked(values, places, length)]));
  sampled.set(number, places);
  return {...each(trace), marker: each(trace.marker ?? {})};
}

/** Changes a figure that needs WebGL into one that does not, where the browser has none. */
function withoutWebGL(figure) {
  note.hidden = true;
  sampled = new Map();
  const data = figure.data || [];
  const spatial = data.some((trace) => trace.type === 'scatter3d'), many = data.some((trace) => trace.type === 'scattergl');
  if (!(spatial || many) || hasWebGL()) return;
  const {scene, ...layout} = figure.layout;
  const titles = ['x', 'y'].map((name) => scene?.[`${name}axis`]?.title).map((title) => title?.text ?? title ?? '');
  const flat = (trace, number) => {
    if (!['scatter3d', 'scattergl'].includes(trace.type)) return trace;
    const {z, projection, surfaceaxis, surfacecolor, scene: room, ...rest} = trace;
    return sample({...rest, type: 'scatter'}, number);
  };
  const all = Math.max(...data.map(pointsOf)).toLocaleString('en-US');
  figure.data = data.map(flat);
  for (const one of figure.frames || []) one.data = (one.data || []).map(flat);
  if (spatial) {
    const axis = (name, title) => ({...layout[name], visible: true, title: {text: title}});
    figure.layout = {...layout, dragmode: 'pan', xaxis: axis('xaxis', titles[0]), yaxis: {...axis('yaxis', titles[1]), scaleanchor: 'x'}};
  }
  const how = sampled.size ? `As SVG it draws ${MOST_AS_SVG.toLocaleString('en-US')} of the ${all} points, evenly picked.` :
    'The points are drawn as SVG, which is slower.';
  note.textContent = ['This browser draws no WebGL.', spatial && 'The picture shows the first two of three dimensions.',
    (!spatial || sampled.size) && how].filter(Boolean).join(' ');
  note.hidden = false;
}
