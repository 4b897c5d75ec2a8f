// Of the scripts of PlotlyView: the numbers of the drawn figure as a table, as far as the axes' ranges show them. See
// plotly_view_theme.js.

// --- what the drawn figure holds -------------------------------------------------------------------------------

const or = (value, otherwise) => (value === undefined || Number.isNaN(value) ? otherwise : value);

const axisOf = (id) => box._fullLayout[id.replace(/^([xy])/, '$1axis')];

/** Numbers of the visible heat maps. */
function grids() {
  return (box._fullData || []).map((t, i) => i).filter((i) =>
    box._fullData[i].type === 'heatmap' && box._fullData[i].visible === true && box.calcdata?.[i]?.[0]?.z?.length);
}

/** What an axis calls a place: its alias, its tick's text or its category, as plain text. */
function tickWords(axis, value) {
  const alias = axis.labelalias?.[value] ?? axis.labelalias?.[Math.round(value)];   // as Plotly writes the place
  if (alias !== undefined) return plainWords(alias);
  const place = Array.from(axis.tickvals || []).findIndex((v) => v === value);
  return plainWords(place >= 0 && axis.ticktext ? axis.ticktext[place] : axis._categories?.[value] ?? value);
}

/** What stands at a place of an axis, without the marks of a label: the token itself. See figures/layout.py:raw_labels. */
function rawWords(axis, value) {
  const raw = box.layout[axis._name]?.categoryarray;
  return axis.type === 'linear' && raw?.[value] !== undefined ? decodeURIComponent(raw[value]) : tickWords(axis, value);
}

// --- the table -------------------------------------------------------------------------------------------------

const table = element.querySelector('.pv-table');
const cells = element.querySelector('.pv-cells');
const MAX_TABLE = 40;         // rows and columns of the table on the page

const rounded = (v) => (typeof v === 'number' && Number.isFinite(v) ? Number(v.toPrecision(4)) :
  typeof v === 'string' ? plainWords(v) : '');

/** Numbers of the visible bar traces. */
function bars() {
  return (box._fullData || []).map((t, i) => i).filter((i) =>
    box._fullData[i].type === 'bar' && box._fullData[i].visible === true && box._fullData[i].x?.length);
}

function hasNumbers() {
  return box._fullLayout?.meta?.table !== false && grids().length + bars().length > 0;
}

/** [numbers, count] of the rows or columns whose middle lies within the axis' range; of the numbers the first `limit`. */
function inRange(axis, edges, count, limit) {
  const [low, high] = [...axis.range].map(Number).sort((a, b) => a - b);
  const all = Array.from({length: count}, (_, i) => i).filter((i) => {
    const middle = (edges[i] + edges[i + 1]) / 2;
    return middle >= low && middle <= high;
  });
  return [all.slice(0, limit), all.length];
}

/** {columns, rows, values, ofColumns, ofRows} of the first heat map, or else of the bars; at most `limit` rows and columns.
 * named(axis, place) names them. */
function tableOf(limit, named = tickWords) {
  const number = grids()[0];
  if (number === undefined) return tableOfBars(limit, named);
  const trace = box._fullData[number], cell = box.calcdata[number][0];
  const xa = axisOf(trace.xaxis), ya = axisOf(trace.yaxis);
  const [columns, ofColumns] = inRange(xa, cell.x, cell.z[0].length, limit);
  const [rows, ofRows] = inRange(ya, cell.y, cell.z.length, limit);
  const place = (list, i) => (list?.length ? or(list[i], i) : i);
  // A cell's value: its text where the picture writes one, else the number behind a shade that is not linear, else z.
  const grid = [trace.text, trace.customdata, cell.z].find((g) => g && typeof g[0] === 'object' && g[0]?.length);
  return {columns: columns.map((c) => named(xa, place(trace.x, c))), ofColumns, ofRows,
    rows: rows.map((r) => named(ya, place(trace.y, r))),
    values: rows.map((r) => columns.map((c) => grid[r]?.[c]))};
}

function tableOfBars(limit, named) {
  const traces = bars().map((i) => box._fullData[i]);
  const lying = traces[0].orientation === 'h';
  const axis = axisOf(lying ? traces[0].yaxis : traces[0].xaxis), along = axisOf(lying ? traces[0].xaxis : traces[0].yaxis);
  const places = [...new Set(traces.flatMap((t) => [...(lying ? t.y : t.x)]))];
  const several = traces.length > 1 || !along.title?.text;
  return {columns: traces.map((t) => plainWords(several ? t.name : along.title.text)), ofColumns: traces.length,
    ofRows: places.length, rows: places.slice(0, limit).map((p) => named(axis, p)),
    values: places.slice(0, limit).map((p) => traces.map((t) => (lying ? t.x : t.y)[[...(lying ? t.y : t.x)].indexOf(p)]))};
}

function fillTable() {
  cells.replaceChildren();
  if (!hasNumbers()) return;
  const make = (tag, text, parent, scope) => {
    const node = document.createElement(tag);
    node.textContent = text;
    if (scope) node.scope = scope;
    parent.append(node);
    return node;
  };
  const grid = document.createElement('table');       // of the drawn figure's words, and of tokens
  const {rows, columns, values, ofRows, ofColumns} = tableOf(MAX_TABLE);
  const caption = rows.length < ofRows || columns.length < ofColumns ?
    `The first ${rows.length} of ${ofRows} rows and ${columns.length} of ${ofColumns} columns in sight; zoom in for others.` : '';
  make('caption', caption, grid);
  const head = make('tr', '', make('thead', '', grid));
  head.translate = false;
  make('td', '', head);
  for (const name of columns) make('th', name, head, 'col');
  const body = make('tbody', '', grid);
  body.translate = false;
  rows.forEach((name, r) => {
    const line = make('tr', '', body);
    make('th', name, line, 'row');
    for (const value of values[r]) make('td', String(rounded(value)), line);
  });
  cells.append(grid);
}

table.addEventListener('toggle', () => { if (table.open && bound) fillTable(); });
