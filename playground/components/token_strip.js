// Tokens as buttons in one strip: shows them and selects one. Knows no tokenizers and no models.
//
// shared_script.js runs this text as the body of a function (element, trigger, props, watch, …). Every token reaches the page
// through textContent or setAttribute, never as HTML or as a template.

const MAX_CHARACTERS = 200;   // of one token; an ellipsis stands for the rest
const root = element.querySelector('.tok');
const nodes = [];             // the buttons, one a token
const drawn = [];             // each button's token as JSON, so that only changed buttons are painted again
let selected = null;
let lastProp;                 // the `selected` that Python sent last
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** 'rtl' or 'ltr' by the first letter of a text; '' without one. */
function directionOf(text) {
  const letter = String(text ?? '').match(/\p{L}/u)?.[0];
  return letter === undefined ? '' : RIGHT_TO_LEFT.test(letter) ? 'rtl' : 'ltr';
}

function displayText(token) {
  const text = String(token.label ?? String(token.text ?? '').replace(/\n/g, '⏎').replace(/^ /, '·'));
  if (text.length > MAX_CHARACTERS) return text.slice(0, MAX_CHARACTERS) + '…';
  return text || '(empty)';
}

function textOf(index) {
  return String(JSON.parse(drawn[index]).text ?? '');
}

function paint(button, token) {
  const text = String(token.text ?? '');
  button.textContent = displayText(token);
  button.className = 't' + (['prompt', 'generated', 'special', 'mask'].includes(token.kind) ? ` t-${token.kind}` : '');
  const shade = Number(token.shade);
  if (token.shade === null || token.shade === undefined || !Number.isFinite(shade)) {
    button.style.removeProperty('--shade');
  } else {
    button.style.setProperty('--shade', String(Math.max(0, Math.min(1, shade))));
  }
  const title = String(token.title ?? '').slice(0, 1000);
  if (title) button.title = title;
  else button.removeAttribute('title');
  const spoken = text.trim() || {'': 'empty', '\n': 'line break'}[text] || 'space';
  button.setAttribute('aria-label', title || spoken.slice(0, MAX_CHARACTERS));
  if (token.pieces > 1) button.dataset.pieces = String(token.pieces);
  else delete button.dataset.pieces;
  const breaks = text.includes('\n');
  const cell = button.parentNode;
  cell.dataset.way = token.kind === 'special' ? '' : directionOf(text);
  cell.dataset.mark = {rtl: '\u200f', ltr: '\u200e'}[cell.dataset.way] || '';
  const next = cell.nextSibling;
  const broken = next instanceof HTMLBRElement;
  if (breaks && !broken) cell.after(document.createElement('br'));
  if (!breaks && broken) next.remove();
}

function make(index) {
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset.index = String(index);
  button.setAttribute('role', 'option');
  button.setAttribute('aria-selected', 'false');
  button.dir = 'auto';
  button.tabIndex = -1;
  const cell = document.createElement('span');    // its marks tell the line's order which way the token is read
  cell.className = 'w';
  cell.setAttribute('role', 'presentation');
  cell.append(button);
  return button;
}

/** The tokens as JSON, one a line in pages of several: few strings, since reading a long list costs Svelte dearly. */
function lines() {
  return Array.isArray(props.value) ? [...props.value].flatMap((page) => page.split('\n')) : [];
}

function draw() {
  const tokens = lines();
  const grows = nodes.length > 0 && tokens.length > nodes.length;
  const atEnd = root.scrollHeight - root.scrollTop - root.clientHeight < 8;
  const fresh = document.createDocumentFragment();
  for (let i = 0; i < tokens.length; i++) {
    if (drawn[i] === tokens[i]) continue;
    const token = JSON.parse(tokens[i]);
    if (i < nodes.length) {
      if (selected === i && textOf(i) !== String(token.text ?? '')) mark(null);
    } else {
      nodes.push(make(i));
      fresh.append(nodes[i].parentNode);
    }
    drawn[i] = tokens[i];
    paint(nodes[i], token);
  }
  root.append(fresh);
  while (nodes.length > tokens.length) {
    const button = nodes.pop();
    drawn.pop();
    const cell = button.parentNode;
    if (cell.nextSibling instanceof HTMLBRElement) cell.nextSibling.remove();
    if (button === document.activeElement) nodes[nodes.length - 1]?.focus({preventScroll: true});
    cell.remove();
  }
  const way = nodes.find((button) => button.parentNode.dataset.way)?.parentNode.dataset.way || 'ltr';
  if (root.dir !== way) root.dir = way;      // setting it anew would style every token again
  if (selected !== null && selected >= nodes.length) mark(null);
  if (grows && atEnd) root.scrollTop = root.scrollHeight;    // a strip scrolled to its end stays at the end
  follow();
  root.setAttribute('aria-label', String(props.label || 'Tokens'));
  root.dataset.rendered = String(Number(root.dataset.rendered || 0) + 1);   // tests wait for this
}

/** Selects what Python sends in `selected`, when it changes; until then a visitor's own selection stays. */
function follow() {
  const index = props.selected;
  if (index === undefined || index === lastProp) { rove(); return; }
  lastProp = index;
  mark(index === null || index < 0 || index >= nodes.length ? null : index);
}

function mark(index) {
  if (selected !== null) nodes[selected]?.setAttribute('aria-selected', 'false');
  selected = index;
  if (selected !== null) nodes[selected].setAttribute('aria-selected', 'true');
  rove();
}

/** Tab reaches exactly one token: the focused one, else the selected one, else the first. */
let reachable = null;
function rove(node) {
  const focused = nodes.includes(document.activeElement) ? document.activeElement : null;
  const next = node ?? focused ?? (selected === null ? null : nodes[selected]) ?? nodes[0] ?? null;
  if (reachable && reachable !== next) reachable.tabIndex = -1;
  reachable = next;
  if (reachable) reachable.tabIndex = 0;
}

function indexOf(target) {
  const button = target instanceof Element ? target.closest('.t') : null;
  return button && root.contains(button) ? Number(button.dataset.index) : -1;
}

/** The nearest token in the line above (-1) or below (+1), by position on the screen. */
function neighbourLine(index, direction) {
  const from = nodes[index].getBoundingClientRect();
  const middle = (from.left + from.right) / 2;
  let best = index, bestTop = null, bestGap = Infinity;
  for (let i = index + direction; i >= 0 && i < nodes.length; i += direction) {
    const at = nodes[i].getBoundingClientRect();
    if (Math.abs(at.top - from.top) < from.height / 2) continue;
    bestTop ??= at.top;
    if (Math.abs(at.top - bestTop) > from.height / 2) break;
    const gap = Math.abs((at.left + at.right) / 2 - middle);
    if (gap < bestGap) { bestGap = gap; best = i; }
  }
  return best;
}

root.addEventListener('click', (event) => {          // Enter and Space on a button arrive here too
  const index = indexOf(event.target);
  if (index < 0 || props.fixed) return;
  mark(index);
  rove(nodes[index]);
  trigger('select', {index, value: textOf(index)});
});

root.addEventListener('focusin', (event) => {
  const index = indexOf(event.target);
  if (index >= 0) rove(nodes[index]);
});

root.addEventListener('keydown', (event) => {
  const index = indexOf(event.target);
  if (index < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  const last = nodes.length - 1;
  const ahead = root.dir === 'rtl' ? -1 : 1;
  const next = {ArrowRight: () => index + ahead, ArrowLeft: () => index - ahead, Home: () => 0, End: () => last,
    ArrowDown: () => neighbourLine(index, 1), ArrowUp: () => neighbourLine(index, -1)}[event.key]?.();
  if (next === undefined) return;
  event.preventDefault();
  nodes[Math.max(0, Math.min(last, next))].focus();
});

watch(['value', 'selected'], draw);
draw();
