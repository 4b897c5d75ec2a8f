// Of the scripts of PlotlyView: figures for a browser that draws no WebGL. Many points become SVG; of a scene the first two
// dimensions are drawn, and a line above the buttons says so. See plotly_view_theme.js.

const note = element.querySelector('.pv-note');

function hasWebGL() {
  shared.webgl ??= (() => {
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('webgl') || canvas.getContext('experimental-webgl');
    context?.getExtension('WEBGL_lose_context')?.loseContext();   // a browser has room for sixteen
    return Boolean(context);
  })();
  return shared.webgl;
}

/** Changes a figure that needs WebGL into one that does not, where the browser has none. */
function withoutWebGL(figure) {
  note.hidden = true;
  const data = figure.data || [];
  const spatial = data.some((trace) => trace.type === 'scatter3d'), many = data.some((trace) => trace.type === 'scattergl');
  if (!(spatial || many) || hasWebGL()) return;
  const {scene, ...layout} = figure.layout;
  const titles = ['x', 'y'].map((name) => scene?.[`${name}axis`]?.title).map((title) => title?.text ?? title ?? '');
  const flat = (trace) => {
    if (!['scatter3d', 'scattergl'].includes(trace.type)) return trace;
    const {z, projection, surfaceaxis, surfacecolor, scene: room, ...rest} = trace;
    return {...rest, type: 'scatter'};
  };
  figure.data = data.map(flat);
  for (const one of figure.frames || []) one.data = (one.data || []).map(flat);
  if (spatial) {
    const axis = (name, title) => ({...layout[name], visible: true, title: {text: title}});
    figure.layout = {...layout, dragmode: 'pan', xaxis: axis('xaxis', titles[0]), yaxis: {...axis('yaxis', titles[1]), scaleanchor: 'x'}};
  }
  note.textContent = 'This browser draws no WebGL. ' + (spatial ?
    'The picture shows the first two of three dimensions.' : 'The points are drawn as SVG, which is slower.');
  note.hidden = false;
}
