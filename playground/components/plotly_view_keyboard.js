// Of the scripts of PlotlyView: the keyboard. Arrow keys move a cursor over the cells of a heat map, or step
// through the points of 2D traces; the hover label is read aloud; Enter selects. See plotly_view_theme.js.

let speaking = 0;
let cursor = null;        // {trace, row, column} on a heatmap, {trace, point} elsewhere

/** Numbers of the visible 2D traces whose points answer to hovering. */
function points() {
  return (box._fullData || []).map((t, i) => i).filter((i) =>
    ['scatter', 'scattergl', 'bar'].includes(box._fullData[i].type) && box._fullData[i].visible === true &&
    box._fullData[i].hoverinfo !== 'skip' && (box._fullData[i]._length || box._fullData[i].x?.length));
}

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
  if (!cursor.byKeys && (props.mark || box.layout.shapes?.length)) return;   // the figure frames what was clicked
  if (cursor.row === undefined) { if (!points().includes(cursor.trace)) cursor = null; return; }
  const z = grids().includes(cursor.trace) ? box.calcdata[cursor.trace][0].z : null;
  if (!z || cursor.row >= z.length || cursor.column >= z[0].length) { cursor = null; return; }
  const at = cellBox(cursor);
  if (!at.inside) return;
  Object.assign(cursorMark.style, {left: `${at.left}px`, top: `${at.top + box.offsetTop}px`,
    width: `${at.right - at.left}px`, height: `${at.bottom - at.top}px`});
  cursorMark.hidden = false;
}

/** The fields that a click sends, for the cell or point under the cursor. */
function cursorData() {
  const trace = box._fullData[cursor.trace];
  if (cursor.row === undefined) {
    const i = cursor.point;
    const one = (list) => (list === undefined || typeof list === 'string' ? list ?? null : or(list[i], null));
    return {x: one(trace.x), y: one(trace.y), z: null, text: one(trace.text), customdata: one(trace.customdata),
      trace: cursor.trace, index: wholeIndex(cursor.trace, i), value: one(trace.y)};
  }
  const {row, column} = cursor;
  const cell = (grid) => (Array.isArray(grid) || ArrayBuffer.isView(grid) ? or(grid[row]?.[column], null) : null);
  const along = (list, i) => (list?.length ? or(list[i], i) : i);
  const z = cell(box.calcdata[cursor.trace][0].z);
  return {x: along(trace.x, column), y: along(trace.y, row), z, text: cell(trace.text),
    customdata: cell(trace.customdata), trace: cursor.trace, index: [row, column], value: z};
}

/** The text of the hover label, lines joined: the figure's own wording. */
function hoverWords() {
  return [...box.querySelectorAll('.hoverlayer .hovertext text, .hoverlayer .axistext text')].map((node) => {
    const lines = [...node.querySelectorAll('tspan.line')];
    return (lines.length ? lines : [node]).map((line) => line.textContent.trim()).filter(Boolean).join(', ');
  }).filter(Boolean).join(', ');
}

/** Moves the cursor; with `speak`, shows the hover label there and reads it aloud. */
function setCursor(at, speak) {
  cursor = {...at, byKeys: speak};
  placeCursor();
  if (!speak) return;
  const data = cursorData();
  let otherwise;
  if (at.row === undefined) {
    library.Fx.hover(box, [{curveNumber: at.trace, pointNumber: at.point}]);
    otherwise = [data.text ?? box._fullData[at.trace].name, data.x, data.y].filter((v) => v !== null &&
      v !== undefined && v !== '').map(plainWords).join(', ');
  } else {
    const {cell, xa, ya, trace} = cellBox(at);
    const x = (cell.x[at.column] + cell.x[at.column + 1]) / 2, y = (cell.y[at.row] + cell.y[at.row + 1]) / 2;
    library.Fx.hover(box, {xval: x, yval: y}, trace.xaxis + trace.yaxis);
    otherwise = `${tickWords(ya, or(data.y, at.row))}, ${tickWords(xa, or(data.x, at.column))}: ` +
      (typeof data.z === 'number' ? Number(data.z.toPrecision(3)) : 'empty');
  }
  clearTimeout(speaking);
  speaking = setTimeout(() => { live.textContent = hoverWords() || otherwise; }, 120);   // Plotly delays hovering
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
  do {                                   // NaN stands in the gutters between small maps: step over it
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
  if (shared.stage.isOpen() && event.key.startsWith('Page')) return;   // to the next picture
  const cells = grids(), dots = points();
  if (KEYS.includes(event.key) && (cells.length || dots.length)) {
    setCursor(cells.length ? stepGrid(event.key, cells) : stepPoints(event.key, dots), true);
  } else if (event.key === 'Enter' && cursor !== null) {
    trigger('select', cursorData());
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
