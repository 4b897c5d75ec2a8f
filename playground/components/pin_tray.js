// The tray of pinned pictures at the bottom of the page: each with a line that says what it is, in a view of its own that
// nothing redraws; one minus another. All of it is in this page's memory alone. Knows Plotly's views (plotly_view_pin.js hands
// pictures over, and draws them) and the entries of tabs/shared/sources.py; knows no models.
//
// shared_script.js runs this, after figure_numbers.js, plotly_view_lists.js, figure_difference.js and short_text.js, as the
// body of a function (…, element, trigger, props, watch). props.words: texts/pins.py. Every text becomes a text node.

const {tray: TRAY, parts: PARTS} = props.words;
const MOST = 8;               // pictures
const MOST_BYTES = 16e6;      // of all figures and scripts
const MOST_WEBGL = 2;         // a browser has room for sixteen contexts, of which such a picture takes up to three
const plots = () => window.__playgroundPlots;
const plainWords = (markup) => plots().plainWords(markup);
const tray = element.querySelector('.pins'), list = tray.querySelector('.pins-list');
const part = (name) => tray.querySelector(`.pins-${name}`);
const pins = [];              // {number, record, bytes, webgl, item}
let latest = 0;
let unfolds = matchMedia('(min-width: 601px)').matches;   // whether another pin may open the tray

function make(tag, className, text, parent) {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  parent.append(node);
  return node;
}

// --- what a picture is ------------------------------------------------------------------------------------------

const placeOf = ({tab, view}, label) => [...new Set([tab, view, label])].filter(Boolean).join(' · ');

/** The layer, the head, the token, …; the text; the model with its revision; its number format. */
function madeOf({settings = {}, model, revision, precision, text}) {
  const parts = Object.keys(PARTS).filter((key) => Number.isInteger(settings[key])).map((key) => fill(PARTS[key], {n: settings[key]}));
  const edited = settings.edited ? fill(TRAY.edited, {what: settings.edited}) : '';
  const name = model && (revision ? `${model} (${String(revision).slice(0, 12)})` : model);
  return [parts.join(', '), edited, quoted(text), name, precision];
}

// --- cards ------------------------------------------------------------------------------------------------------

function card(pin) {
  const {record} = pin;
  const item = pin.item = make('li', 'pin', '', list), top = make('div', 'pin-top', '', item);
  make('b', 'pin-number', pin.number, top);
  const line = make('div', 'pin-line', '', top);
  make('strong', 'pin-place', record.place, line);
  make('span', 'pin-made', record.made.filter(Boolean).join(' · '), line).dir = 'auto';
  if (record.link) {
    const link = make('a', 'pin-open', TRAY.open, top);
    link.href = `#${record.link}`;
    link.title = TRAY.open_title;
  }
  const unpin = make('button', 'pin-off', '✕', top);
  unpin.type = 'button';
  unpin.title = TRAY.unpin;
  unpin.ariaLabel = fill(TRAY.unpin_one, pin);
  unpin.addEventListener('click', () => remove(pin));
  const host = make('div', 'pin-view', '', item);
  make('p', 'pin-words', record.words, item).dir = 'auto';
  const {value, height, label, source, python} = record;
  const words = {line: `${pin.number}: ${record.place}`, words: record.words};
  plots().drawIn(host, {value, height, label, source, python, pin: words});
}

const isWebGL = (record) => /"type":"(scattergl|scatter3d|surface)"/.test(record.value);

/** Takes a picture in; the reason if there is no room for it. */
function add(record, name) {
  const bytes = record.value.length + (record.python?.code?.length ?? 0), webgl = isWebGL(record);
  const size = pins.reduce((sum, pin) => sum + pin.bytes, bytes);
  if (pins.length >= MOST) return fill(TRAY.full, {most: MOST});
  if (size > MOST_BYTES) return fill(TRAY.heavy, {size: Math.ceil(size / 1e6), most: MOST_BYTES / 1e6});
  if (webgl && pins.filter((pin) => pin.webgl).length >= MOST_WEBGL) return fill(TRAY.webgl, {most: MOST_WEBGL});
  const pin = {number: name ?? String(++latest), record, bytes, webgl};
  pins.push(pin);
  show(!record.isDifference);
  card(pin);
  if (unfolds) fold(false);
  list.scrollTo({left: list.scrollWidth});
  say(fill(TRAY.pinned, pin));
  return '';
}

function remove(pin) {
  const at = pins.indexOf(pin);
  pins.splice(at, 1);
  pin.item.remove();               // its view frees the plot (plotly_view_drawing.js:resized)
  say('');
  show();
  const next = pins[Math.min(at, pins.length - 1)];
  (next ? next.item.querySelector('.pin-off') : document.querySelector('#tabs [role=tab][aria-selected=true]'))?.focus();
}

// --- the tray ---------------------------------------------------------------------------------------------------

const say = (words) => { part('status').textContent = words; };

function fold(folded) {
  tray.toggleAttribute('data-open', !folded);
  part('fold').ariaExpanded = String(!folded);
  clear();
}

/** Keeps what is scrolled to or focused clear of the tray. */
function clear() {
  document.documentElement.style.scrollPaddingBottom = tray.hidden ? '' : `${tray.offsetHeight + 8}px`;
}

/** isNew: one more picture can be subtracted; the last two are the likely ones. */
function show(isNew = false) {
  const block = element.closest('.block');
  block?.toggleAttribute('data-empty', !pins.length);
  block?.toggleAttribute('data-ready', true);
  tray.hidden = !pins.length;
  part('fold').textContent = fill(TRAY.count, {count: pins.length});
  part('all').hidden = pins.length < 2;
  clear();
  const own = pins.filter((pin) => !pin.record.isDifference);
  part('minus').hidden = own.length < 2;
  for (const [name, back] of [['from', 2], ['take', 1]]) {
    const select = part(name), before = select.value, numbers = own.map((pin) => pin.number);
    select.replaceChildren(...own.map((pin) => new Option(`${pin.number}: ${pin.record.label || pin.record.place}`, pin.number)));
    select.value = !isNew && numbers.includes(before) ? before : numbers.at(-back) ?? '';
  }
}

/** What two sources have in common, and what they are each. */
function bothSources(a, b) {
  const keys = ['model', 'revision', 'precision', 'source', 'tab', 'view', 'text'];
  const both = keys.map((key) => [key, a[key] === b[key] ? a[key] : `${a[key] ?? ''} − ${b[key] ?? ''}`]);
  return {...Object.fromEntries(both.filter(([, value]) => value !== undefined)), difference: [a, b]};
}

/** The script of maps, bars or lines minus others: both scripts, then what is left of their numbers; or why there is none.
 * series: which bars or points belong together. */
function differenceScript(one, other, {data}, series) {
  const kind = {heatmap: 'maps', bar: 'bars', scatter: 'lines'}[data[0].type];
  if (!kind || !one?.code || !other?.code) return {why: TRAY.no_script};
  const {between, show} = props.script, behind = props.script[kind];
  const unshown = (code) => code.trimEnd().slice(0, code.trimEnd().endsWith(show) ? -show.length : undefined);
  const pairs = kind === 'maps' ? [] : [`# %%\nSERIES = ${JSON.stringify(series)}\n`];
  return {code: [unshown(one.code), between, unshown(other.code), ...pairs, behind].join('\n')};
}

function subtract() {
  const [a, b] = ['from', 'take'].map((name) => pins.find((pin) => pin.number === part(name).value));
  if (!a || !b) return;
  const n = {a: a.number, b: b.number}, name = `${a.number} − ${b.number}`, former = pins.find((pin) => pin.number === name);
  if (a === b) { say(fill(WORDS.why, {...n, reason: WORDS.itself})); return; }
  if (former) { former.item.scrollIntoView({block: 'nearest'}); say(fill(TRAY.there, former)); return; }
  const result = difference(JSON.parse(a.record.value), JSON.parse(b.record.value), n);
  if (result.why) { say(result.why); return; }
  const each = (one, other) => one.map((words, at) => (words === other[at] ? words : `${words || '–'} − ${other[at] || '–'}`));
  const {place, made, label, height} = a.record;
  const why = add({isDifference: true, value: JSON.stringify(result.figure), height, label: [label, name].filter(Boolean).join(', '),
    place: place === b.record.place ? place : `${place} − ${b.record.place}`, made: each(made, b.record.made), link: null,
    source: bothSources(a.record.source, b.record.source), words: result.sentence,
    python: differenceScript(a.record.python, b.record.python, result.figure, result.series)}, name);
  if (why) say(why);
}

/** The tray's height in pixels, within what leaves room for its pictures and for the page. */
function stretch(height) {
  const pixels = Math.round(Math.min(Math.max(height, 220), innerHeight * 0.85));
  document.body.style.setProperty('--pins-height', `${pixels}px`);
  part('grip').ariaValueNow = String(pixels);
  clear();
}

part('grip').addEventListener('pointerdown', (event) => {
  const [from, height] = [event.clientY, tray.offsetHeight], grip = part('grip');
  const drag = (move) => stretch(height + from - move.clientY);
  grip.setPointerCapture(event.pointerId);
  grip.addEventListener('pointermove', drag);
  grip.addEventListener('lostpointercapture', () => grip.removeEventListener('pointermove', drag), {once: true});
});
part('grip').addEventListener('keydown', (event) => {
  const way = {ArrowUp: 1, ArrowDown: -1}[event.key];
  if (!way) return;
  event.preventDefault();
  stretch(tray.offsetHeight + 40 * way);
});
part('fold').addEventListener('click', () => {
  const folded = tray.hasAttribute('data-open');
  unfolds = !folded;
  fold(folded);
});
part('all').addEventListener('click', () => { for (const pin of [...pins]) remove(pin); });
part('go').addEventListener('click', subtract);
fold(true);
show();
document.body.dataset.pins = '';
window.__playgroundPins = {
  /** record: {value: a figure as JSON text, height, label, source, python, words: its sentence, link: the address' part behind
   * the # or null}. The reason if it was not taken in. */
  pin: (record) => add({...record, place: placeOf(record.source, record.label), made: madeOf(record.source)}),
};
