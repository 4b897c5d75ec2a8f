// Of the scripts of PlotlyView: what a mouse and a finger may do in the picture, and the buttons for it: zoom, lasso, reset.
// A tool is offered where it serves, below the picture, where it covers nothing. See plotly_view_theme.js.

const tools = element.querySelector('.pv-tools');
const tool = (name) => tools.querySelector(`[data-tool="${name}"]`);
const ZOOM = {'zoom-in': 0.5, 'zoom-out': 2};
/** A finger, not a mouse, is what this screen is pointed at with first. */
const coarse = () => window.matchMedia('(pointer: coarse)').matches;

let ownDrag = null;       // what dragging does in the figure as it was sent
let start = null;         // {axis: range} of the picture before anybody moved it
let moved = false;        // a visitor moved an axis or a camera

const scenes = () => Object.keys(box._fullLayout || {}).filter((key) => /^scene\d*$/.test(key) && box._fullLayout[key]._scene);
const axes = () => Object.keys(box._fullLayout || {}).filter((key) => /^[xy]axis\d*$/.test(key))
  .map((key) => box._fullLayout[key]).filter((axis) => !axis.fixedrange && axis.range);

/** Notes what dragging does in the figure as it was sent: in bars, nothing. */
function noteDrag({layout = {}, data = []}) {
  const onlyBars = data.length > 0 && data.every((trace) => trace.type === 'bar');
  ownDrag = layout.dragmode ?? (onlyBars || layout.meta?.tools === false ? false : 'zoom');
}

/** Says what dragging does here, before the picture is drawn. A finger that drags over a flat picture scrolls the page. */
function fitGestures({layout, data = []}) {
  const zooms = ownDrag === 'pan' || (ownDrag === 'zoom' && coarse());
  layout.dragmode = coarse() && ownDrag !== 'orbit' && ownDrag !== 'lasso' ? false : ownDrag;
  for (const name of Object.keys(ZOOM)) tool(name).hidden = !zooms;
  tool('lasso').hidden = !props.with_lasso || !data.some((trace) => trace.type?.startsWith('scatter') && trace.type !== 'scatter3d');
  return {
    displayModeBar: false,
    doubleClick: coarse() ? false : 'reset+autosize',   // two quick taps are two taps
    showAxisDragHandles: ownDrag !== false && !coarse(),
  };
}

/** After a drawing: another picture has another beginning. */
function noteStart(other) {
  if (other) moved = false;
  if (!moved) start = Object.fromEntries(axes().map((axis) => [axis._name, [...axis.range]]));
  showTools();
}

function noteMove(change) {
  if (Object.keys(change || {}).some((key) => /^scene\d*\.camera/.test(key))) moved = true;
  else if (!axesIn(change)) { if (!moved) noteStart(false); return; }   // resized
  else {
    moved = axes().some(({_name: name, range}) => {
      const was = start?.[name];
      const length = was ? Math.abs(was[1] - was[0]) || 1 : 1;
      return was && range.some((end, i) => Math.abs(end - was[i]) > 1e-6 * length);
    });
  }
  showTools();
  // What a finger has enlarged it moves about; after a reset it scrolls the page again.
  const drag = moved && !scenes().length ? 'pan' : false;
  if (coarse() && ['zoom', 'pan'].includes(ownDrag) && box._fullLayout.dragmode !== drag) library.relayout(box, {dragmode: drag});
}

/** Whether a change of the layout moves axes. */
const axesIn = (change) => Object.keys(change || {}).some((key) => /^[xy]axis\d*\.(range|autorange)/.test(key));

function showTools() {
  tool('reset').hidden = !moved;
  const lassoing = ['lasso', 'select'].includes(box._fullLayout?.dragmode);
  tool('lasso').setAttribute('aria-pressed', String(lassoing));
}

/** The axes in sight made shorter (0.5) or longer (2) about their middles. */
function zoomBy(factor) {
  const change = {};
  for (const axis of axes()) {
    const [low, high] = axis.range.map(Number), middle = (low + high) / 2;
    change[`${axis._name}.range`] = [middle + (low - middle) * factor, middle + (high - middle) * factor];
  }
  return library.relayout(box, change);
}

function resetView() {
  const change = {};
  for (const axis of axes()) {
    const {_name: name, _rangeInitial0: low, _rangeInitial1: high} = axis;
    if (low === undefined || high === undefined) change[`${name}.autorange`] = true;
    else change[`${name}.range`] = [low, high];
  }
  for (const name of scenes()) {
    const {up, eye, center} = box._fullLayout[name]._scene.viewInitial;
    change[`${name}.camera`] = structuredClone({up, eye, center});
  }
  return library.relayout(box, change).then(() => noteStart(true));
}

tools.addEventListener('click', (event) => {
  const name = event.target.closest('[data-tool]')?.dataset.tool;
  if (!bound || !name) return;
  if (ZOOM[name]) zoomBy(ZOOM[name]);
  else if (name === 'reset') resetView();
  else if (name === 'full') shared.stage.show(element);
  else if (name === 'lasso') {
    const on = tool('lasso').getAttribute('aria-pressed') !== 'true';
    library.relayout(box, {dragmode: on ? 'lasso' : coarse() && ownDrag !== 'orbit' ? false : ownDrag}).then(showTools);
  }
});

// A finger's tap reaches Plotly twice: as touches, and as the mouse events that the browser makes of them. Two clicks within
// 300 ms are a double click, which zooms. Where Plotly listens to touches itself, the browser makes no mouse events.
let touched = null;
box.addEventListener('touchstart', ({touches: [touch], target}) => {
  touched = target.closest?.('.draglayer') ? [touch.clientX, touch.clientY] : null;
}, {passive: true});
box.addEventListener('touchend', (event) => {
  const touch = event.changedTouches[0];
  if (touched && event.cancelable && Math.hypot(touch.clientX - touched[0], touch.clientY - touched[1]) < 10) event.preventDefault();
  touched = null;
}, {passive: false});
