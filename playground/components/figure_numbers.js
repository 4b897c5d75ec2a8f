// The numbers of a Plotly figure, as it was sent, with the names along its axes: of a heat map, of bars, of lines that go one
// way. Knows no page; names stay as Plotly reads them, escaped. Joined with plotly_view_lists.js, figure_difference.js and pin_tray.js.

const numeric = (value) => (typeof value === 'number' ? value : NaN);
const axisKey = (id, letter) => (id ?? letter).replace(letter, `${letter}axis`);
const titleText = (part) => String(part?.title?.text ?? part?.title ?? '');
const spanned = (count) => Array.from({length: count}, (_, place) => place);

/** What an axis calls these places. */
function namesOf(axis, places) {
  const ticks = listOf(axis?.tickvals) || [], texts = listOf(axis?.ticktext);
  return places.map((place) => {
    const tick = texts ? ticks.findIndex((one) => one === place) : -1;
    return String(axis?.labelalias?.[place] ?? (tick >= 0 ? texts[tick] : place));
  });
}

/** The numbers that a trace's hover label tells: those that it draws, `drawn`, called %{letter} there; or, where the label has
 * only these, those in customdata, because what is drawn is a shade or a curve set off from others. */
function labelNumbers(trace, drawn, letter) {
  const label = String(trace.hovertemplate ?? '');
  if (label.includes(`%{${letter}`) || !label.includes('%{customdata')) return drawn;
  const beside = listOf(trace.customdata), table = Array.isArray(drawn[0]);
  const fits = beside?.length === drawn.length && (table ? beside[0]?.length === drawn[0].length : true);
  const first = table ? beside?.flat().find((one) => one !== null) : beside?.find((one) => one !== null);
  return fits && typeof first === 'number' ? beside : drawn;
}

/** Whether a colour bar writes the numbers that are shaded, not others at their places. */
function isPlainScale(bar) {
  const texts = listOf(bar?.ticktext);
  return !texts || listOf(bar.tickvals).every((value, n) => {
    const text = String(texts[n]), number = Number(text.replace('−', '-').replace(/[≤≥,%\s]/g, '')) / (text.includes('%') ? 100 : 1);
    return Number.isNaN(number) || Math.abs(number - value) <= 1e-6 * Math.max(1, Math.abs(value));
  });
}

function readMap(trace, layout) {
  const drawn = listOf(trace.z), values = labelNumbers(trace, drawn, 'z'), label = String(trace.hovertemplate ?? '');
  if (values === drawn && !label.includes('%{z')) {
    if (label.includes('%{text')) return {why: 'words'};
    if (!isPlainScale(trace.colorbar)) return {why: 'shades'};
  }
  const keys = {x: axisKey(trace.xaxis, 'x'), y: axisKey(trace.yaxis, 'y')};
  const x = listOf(trace.x) || spanned(values[0].length), y = listOf(trace.y) || spanned(values.length);
  return {kind: 'map', trace, keys, x, y, values: values.map((row) => row.map(numeric)),
    columns: namesOf(layout[keys.x], x), rows: namesOf(layout[keys.y], y), unit: titleText(trace.colorbar),
    says: label.replace(/%\{[^}]*\}/g, '')};
}

/** Bars or lines: {name, names or places along the axis, values} for each. */
function readSeries(kind, traces, layout) {
  const series = traces.map((trace) => {
    const lying = kind === 'bars' && trace.orientation === 'h';
    const [along, across] = lying ? ['y', 'x'] : ['x', 'y'];
    const drawn = listOf(trace[across]) || [], places = listOf(trace[along]) || spanned(drawn.length);
    const keys = {along: axisKey(trace[`${along}axis`], along), across: axisKey(trace[`${across}axis`], across)};
    return {trace, lying, along, across, keys, places, name: String(trace.name ?? ''),
      names: namesOf(layout[keys.along], places), values: labelNumbers(trace, drawn, across).map(numeric)};
  });
  const straight = ({places}) => places.every((place, n) => !n || places[n - 1] < place);
  if (kind === 'lines' && !series.every(straight)) return {why: 'curve'};
  return {kind, series};
}

/** The numbers of a figure, {kind: 'map', 'bars' or 'lines', …}; or {why: a key of the words that say why it has none}. */
function numbersOf({data = [], layout = {}, frames = []}) {
  if (frames.length) return {why: 'moves'};
  if (layout.meta?.ranking) return {why: 'ranking'};
  if (layout.meta?.table === false) return {why: 'nothing'};
  const shown = data.filter((trace) => ![false, 'legendonly'].includes(trace.visible ?? true) && trace.hoverinfo !== 'skip');
  const map = shown.find((trace) => trace.type === 'heatmap');
  if (map) return readMap(map, layout);
  const bars = shown.filter((trace) => trace.type === 'bar');
  if (bars.length) return readSeries('bars', bars, layout);
  const lines = shown.filter((trace) => /^scatter(gl)?$/.test(trace.type ?? 'scatter') && trace.mode?.includes('lines'));
  return lines.length ? readSeries('lines', lines, layout) : {why: 'nothing'};
}
