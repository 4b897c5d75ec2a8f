// One figure minus another: which of their numbers belong together, what is left of each, and the picture of it; or why there
// is none. WORDS: texts/pins.py:DIFFERENCE. DIVERGING: figures/theme.py. Joined with figure_numbers.js and pin_tray.js.

const WORDS = props.words.difference, DIVERGING = props.diverging;
const AGREE = 0.5;            // of places that are paired by their order, the share that must have the same name
const MOST_HOVERED = 10_000;     // cells, up to which the hover label tells both numbers

/** Why two figures can't be subtracted, as a sentence's second half. */
class Refusal extends Error {
  constructor(key, values) { super(fill(WORDS[key], values)); }
}

const RAISED = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** A number with its sign, three digits that count: “+0.312”, “−3·10⁻⁷”. */
function signed(value) {
  const size = Math.abs(value), sign = value < 0 ? '−' : value > 0 ? '+' : '';
  if (size && size < 1e-4) {
    const [digit, power] = size.toExponential(0).split('e-');
    return `${sign}${digit}·10⁻${[...power].map((one) => RAISED[one]).join('')}`;
  }
  return sign + (size < 1000 ? String(Number(size.toPrecision(3))) : Math.round(size).toLocaleString('en'));
}

const unsigned = (value) => signed(Math.abs(value)).replace('+', '');

/** Which places of two lists of names belong together: {pairs: [[place, place], …], names, how}. ordered: places count, as of
 * tokens in a text; else names do, as of bars in ranks, where a name is in one list alone if it must. */
function paired(one, other, ordered, axis, n) {
  const both = (a, b) => (a === b ? a : `${a} ≠`);   // both names would take the picture's room
  const inOrder = (how) => ({pairs: one.map((_, place) => [place, place]), names: one.map((name, place) => both(name, other[place])), how});
  const same = one.filter((name, place) => name === other[place]).length;
  if (one.length === other.length && same === one.length) return inOrder('');
  const unique = (names) => new Set(names).size === names.length;
  if (!ordered && unique(one) && unique(other)) {
    const pairs = one.map((name, place) => [place, other.indexOf(name)]).filter(([, place]) => place >= 0);
    if (!pairs.length) throw new Refusal('no_names', {axis});
    const all = new Set([...one, ...other]).size;
    return {pairs, names: pairs.map(([place]) => one[place]), how: fill(WORDS.by_name, {left: all - pairs.length, all})};
  }
  if (one.length !== other.length) throw new Refusal('counts', {...n, axis, one: one.length, other: other.length});
  if (same < AGREE * one.length) throw new Refusal('names', {axis, same, all: one.length});
  return inOrder(fill(WORDS.by_place, {axis, other: one.length - same, all: one.length}));
}

/** Which series of two figures belong together: those of one name, or all in their order where no name is in both. */
function pairedSeries(one, other, n) {
  if (one.length === 1 && other.length === 1) return [[one[0], other[0]]];
  const pairs = one.map((a) => [a, other.find((b) => b.name === a.name)]).filter(([, b]) => b);
  if (pairs.length) return pairs;
  if (one.length !== other.length) throw new Refusal('series', {...n, one: one.length, other: other.length});
  return one.map((a, place) => [a, other[place]]);
}

const inLine = (markup) => plainWords(markup).replace(/\s+/g, ' ').trim();

/** Refuses what is called by two names; a name that is missing agrees with any. */
function agree(one, other, n) {
  if (one === other) return;
  if (one && other) throw new Refusal('quantity', {...n, one: inLine(one), other: inLine(other)});
}

function mapOf(a, b, figures, n) {
  const titles = (figure, read) => ['x', 'y'].map((letter) => titleText(figure.layout[read.keys[letter]]));
  const [[x, y], [otherX, otherY]] = [titles(figures[0], a), titles(figures[1], b)];
  for (const [one, other] of [[x, otherX], [y, otherY], [a.unit, b.unit], [a.says, b.says]]) agree(one, other, n);
  const across = paired(a.columns, b.columns, true, plainWords(x) || WORDS.axis, n);
  const down = paired(a.rows, b.rows, true, plainWords(y) || WORDS.axis, n);
  const values = a.values.map((row, r) => row.map((value, c) => value - b.values[r][c]));
  const layout = figures[0].layout, most = Math.max(0, ...values.map((row) => Math.max(...row.map((v) => Math.abs(v) || 0))));
  const named = (axis, {names, how}, places) => (how ? {...axis, categoryarray: undefined, ticktext: names, tickvals: places,
    labelalias: Object.fromEntries(places.map((place, at) => [place, names[at]]))} : axis);
  const hasBoth = a.x.length * a.y.length <= MOST_HOVERED;
  const both = hasBoth && a.values.map((row, r) => row.map((value, c) =>
    (Number.isNaN(values[r][c]) ? '' : `${Number(value.toPrecision(3))} − ${Number(b.values[r][c].toPrecision(3))}`)));
  const data = [{type: 'heatmap', x: a.x, y: a.y, z: values, xaxis: a.trace.xaxis, yaxis: a.trace.yaxis, xgap: a.trace.xgap,
    ygap: a.trace.ygap, zmin: -(most || 1), zmax: most || 1, colorscale: DIVERGING, hoverongaps: false,
    colorbar: {...a.trace.colorbar, tickvals: undefined, ticktext: undefined, tickmode: undefined,
      title: {...a.trace.colorbar?.title, text: `${n.a} − ${n.b}`}, ...(a.trace.colorbar ? {} : {thickness: 8, outlinewidth: 0})},
    hovertext: both || undefined,
    hovertemplate: `%{y}<br>%{x}<br><b>%{z:+.3~g}</b>${hasBoth ? ' = %{hovertext}' : ''}<extra></extra>`}];
  const axes = {[a.keys.x]: named(layout[a.keys.x], across, a.x), [a.keys.y]: named(layout[a.keys.y], down, a.y)};
  const numbers = values.flatMap((row, r) => row.map((value, c) => [value, `${down.names[r]}, ${across.names[c]}`]));
  return {data, axes, numbers, how: [across.how, down.how]};
}

function seriesOf(a, b, figures, n) {
  const pairs = pairedSeries(a.series, b.series, n), axes = {}, numbers = [], how = [], series = [];
  const layout = figures[0].layout;
  const data = pairs.map(([one, other]) => {
    for (const key of ['along', 'across']) {
      agree(titleText(layout[one.keys[key]]), titleText(figures[1].layout[other.keys[key]]), n);
    }
    const axis = plainWords(titleText(layout[one.keys.along])) || WORDS.axis;
    const together = a.kind === 'lines' ? paired(one.places.map(String), other.places.map(String), false, axis, n) :
      paired(one.names, other.names, false, axis, n);
    how.push(together.how);
    series.push([a.series.indexOf(one), b.series.indexOf(other), together.pairs]);
    const values = together.pairs.map(([here, there]) => one.values[here] - other.values[there]);
    const kept = together.pairs.map(([here]) => one.places[here]);
    const places = a.kind === 'bars' && together.how ? spanned(kept.length) : kept;
    const names = a.kind === 'lines' ? together.pairs.map(([here]) => one.names[here]) : together.names;
    numbers.push(...values.map((value, at) => [value, names[at]]));
    const several = pairs.length > 1, text = values.map((value) => (Number.isNaN(value) ? '' : signed(value)));
    const name = one.name === other.name ? one.name : `${one.name} − ${other.name}`;
    axes[one.keys.across] = {...layout[one.keys.across], type: 'linear', range: undefined, autorange: true, tickmode: undefined,
      tickvals: undefined, ticktext: undefined, zeroline: true,
      title: {...layout[one.keys.across]?.title, text: `${titleText(layout[one.keys.across])} ${n.a} − ${n.b}`.trim()}};
    axes[one.keys.along] = together.how && a.kind === 'bars' ? {...layout[one.keys.along], range: undefined, categoryarray: undefined,
      autorange: one.lying ? 'reversed' : true, tickmode: 'array', tickvals: places, ticktext: names,
      labelalias: Object.fromEntries(places.map((place, at) => [place, names[at]]))} : layout[one.keys.along];
    const tones = values.map((value) => (value < 0 ? DIVERGING[1][1] : DIVERGING[5][1]));
    const look = a.kind === 'lines' ? {type: 'scatter', mode: one.trace.mode, line: one.trace.line, marker: one.trace.marker} :
      {type: 'bar', orientation: one.trace.orientation, text, textposition: one.lying ? 'outside' : 'none', cliponaxis: false,
        marker: several ? one.trace.marker : {color: tones}};
    return {...look, [one.along]: places, [one.across]: values, xaxis: one.trace.xaxis, yaxis: one.trace.yaxis, name,
      showlegend: several, hovertemplate: `%{${one.along}}<br>${several ? `${name} ` : ''}<b>%{${one.across}:+.3~g}</b><extra></extra>`};
  });
  return {data, axes, numbers, how, series};
}

/** {figure, sentence, series} of one figure minus another, or {why}. n: {a, b}, what the two are called. series, of bars and
 * lines: for each its number in both and the pairs of its places. */
function difference(one, other, n) {
  try {
    const [a, b] = [[one, n.a], [other, n.b]].map(([figure, name]) => {
      const read = numbersOf(figure);
      if (read.why) throw new Refusal(read.why, {n: name});
      return read;
    });
    if (a.kind !== b.kind) throw new Refusal('kinds', {...n, one: WORDS[a.kind], other: WORDS[b.kind]});
    const {data, axes, numbers, how, series} = (a.kind === 'map' ? mapOf : seriesOf)(a, b, [one, other], n);
    const known = numbers.filter(([value]) => !Number.isNaN(value));
    const [most, place] = known.reduce((far, pair) => (Math.abs(pair[0]) > Math.abs(far[0]) ? pair : far), [0, '']);
    const mean = known.reduce((sum, [value]) => sum + Math.abs(value), 0) / Math.max(1, known.length);
    const sentence = [most ? fill(WORDS.largest, {value: signed(most), place: `“${plainWords(place)}”`, mean: unsigned(mean)}) :
      fill(WORDS.none, {count: known.length}), ...new Set(how.filter(Boolean))].join(' ');
    const {template, margin, showlegend, barmode, bargap} = one.layout;
    const layout = {template, margin, showlegend, barmode, bargap, ...axes, meta: {description: sentence}, uirevision: `${n.a}−${n.b}`};
    return {figure: {data, layout}, sentence, series};
  } catch (error) {
    if (error instanceof Refusal) return {why: fill(WORDS.why, {...n, reason: error.message})};
    throw error;
  }
}
