// The last of the scripts that translate the page (page_language.js asks for them): finds the texts in the page, sets their
// translations, and goes on with what changes. What is `translate="no"`, as browsers' translators read it too, or of the class
// `notranslate` is a model's or a visitor's and is left alone. Knows no tabs.
//
// Nodes that Gradio's scripts made stay: the data of text nodes and attributes change. Only in a Panel, whose markup Python
// wrote, is a sentence with tags built anew: of the table's own words, the page's own tags, and text nodes.

const SKIPPED = '[translate="no"], .notranslate, script, style, code, pre, svg, iframe, .katex, .cm-editor, [contenteditable="true"], ' +
  '[data-testid="user"], [data-testid="bot"], [data-testid^="cell-"], .pg-choices-of-text ul';
const ATTRIBUTES = ['title', 'placeholder', 'aria-label', 'alt', 'data-gloss'];
const WITH_ATTRIBUTES = ATTRIBUTES.map((name) => `[${name}]`).join();
const LATER = '.tok .t, .pg-shaded [title]';   // thousands of them: their titles are translated when someone asks for one
const NUMBERED = /^\d+: /;    // a choice of a list of tokens: tabs/shared/controls.py:token_choices
const INLINE = new Set(['b', 'em', 'i', 'code', 'sub', 'sup', 'br', 'strong', 'a', 'span']);
const BUDGET = 12;            // ms of a frame

const texts = new WeakMap();      // text node -> {english, shown}
const attributes = new WeakMap(); // element -> {name: {english, shown}}
const units = new WeakMap();      // element of a Panel -> {english: its own nodes, shown: those in their place}
let table = null, figures = null, due = 0;
let pending = new Set();

/** A text with its white space. Lines of several stay lines. */
function say(text) {
  const [, before, words, after] = text.match(/^(\s*)(.*?)(\s*)$/s);
  if (!WORDS.test(words)) return text;
  const one = (line) => table.translate(line.replace(/\s+/g, ' ').trim().replaceAll('<', LESS));
  const lines = words.includes('\n') ? words.split('\n').map(one) : [];
  const said = lines.length && lines.every((line) => line.isWhole) ? lines.map((line) => line.text).join('\n') : one(words).text;
  return said.includes(LESS) || said !== words ? before + said.replaceAll(LESS, '<') + after : text;
}

function translateText(node) {
  const data = node.data, known = texts.get(node);
  if (known?.shown === data || !WORDS.test(data)) return;
  const {localName} = node.parentElement ?? {};
  if (localName === 'textarea' || (localName === 'li' && NUMBERED.test(data.trim()))) return;
  const shown = say(data);
  texts.set(node, {english: data, shown});
  if (shown !== data) node.data = shown;
}

function translateAttributes(element) {
  for (const name of ATTRIBUTES) {
    const value = element.getAttribute(name), known = attributes.get(element);
    if (!value || known?.[name]?.shown === value || !WORDS.test(value)) continue;
    const shown = say(value);
    attributes.set(element, {...known, [name]: {english: value, shown}});
    if (shown !== value) element.setAttribute(name, shown);
  }
}

// --- sentences with tags ----------------------------------------------------------------------------------------

const isOurs = (element) => units.get(element)?.shown.includes(element.firstChild);

/** Whether an element of a Panel is one sentence, or several, with tags in it. */
function isUnit(element) {
  if (!element.firstElementChild || ![...element.childNodes].some((node) => node.nodeType === 3 && WORDS.test(node.data))) return false;
  const isInline = (node) => (INLINE.has(node.localName) || node.matches('.pg-term')) && !node.id && !node.matches('[translate="no"], .notranslate');
  return [...element.querySelectorAll('*')].every(isInline) && element.closest('.panel') !== null;
}

/** A unit as a key: its tags without attributes, the marks of the glossary off. */
function read(element) {
  const shells = [], marks = [];
  const write = (node) => {
    if (node.nodeType !== 1) return node.nodeType === 3 ? node.data.replaceAll('<', LESS) : '';
    const tag = node.localName, isMark = node.matches('.pg-term');
    (isMark ? marks : shells).push(node);
    const inner = [...node.childNodes].map(write).join('');
    return isMark ? inner : tag === 'br' ? '<br>' : `<${tag}>${inner}</${tag}>`;
  };
  return {text: [...element.childNodes].map(write).join('').replace(/\s+/g, ' ').trim(), shells, marks};
}

/** The Chinese of a marked word. */
function termOf(mark) {
  const word = mark.textContent, name = mark.getAttribute('aria-label')?.split(': ')[0];
  return [word, word.toLowerCase(), word.toLowerCase().replace(/s$/, ''), name].map((one) => table.exact?.get(one)).find(Boolean);
}

/** A text as nodes, with the first occurrence of each of `terms` ([word, mark], …) marked outside quotation marks. */
function marked(text, terms) {
  let nodes = [text];
  for (const term of [...terms]) {
    const [word, mark] = term;
    const at = nodes.findIndex((node) => typeof node === 'string' && node.includes(word));
    if (at < 0) continue;
    const place = nodes[at].indexOf(word), before = nodes[at].slice(0, place);
    if (before.split('“').length !== before.split('”').length) continue;
    const span = mark.cloneNode(false);
    span.textContent = word;
    nodes.splice(at, 1, before, span, nodes[at].slice(place + word.length));
    terms.splice(terms.indexOf(term), 1);
  }
  return nodes.filter((node) => node !== '').map((node) => (typeof node === 'string' ? document.createTextNode(node) : node));
}

function build(said, shells, marks) {
  const root = document.createDocumentFragment(), open = [root];
  const terms = marks.map((mark) => [termOf(mark), mark]).filter(([word]) => word).sort((a, b) => b[0].length - a[0].length);
  for (const part of said.split(/(<[^>]*>)/)) {
    const [, closes, tag] = part.match(/^<(\/?)(\w+)>$/) ?? [];
    const text = part.replaceAll(LESS, '<');
    if (!tag) open.at(-1).append(...(open.some((node) => ['code', 'a'].includes(node.localName)) ? [text] : marked(text, terms)));
    else if (closes) { if (open.length > 1) open.pop(); } else {
      const at = shells.findIndex((shell) => shell.localName === tag);
      const node = at >= 0 ? shells.splice(at, 1)[0].cloneNode(false) : document.createElement(tag);
      open.at(-1).append(node);
      if (tag !== 'br') open.push(node);
    }
  }
  return [...root.childNodes];
}

function translateUnit(element) {
  const {text, shells, marks} = read(element), said = translateMarkup(table, text);
  for (const node of element.querySelectorAll(WITH_ATTRIBUTES)) translateAttributes(node);
  if (said === text) return;
  const english = [...element.childNodes], shown = build(said, shells, marks);
  units.set(element, {english, shown});
  element.replaceChildren(...shown);
}

// --- the page ---------------------------------------------------------------------------------------------------

/** Translates a node and what it holds; the caller knows that nothing above it is skipped. */
function visit(node) {
  if (node.nodeType === 3) translateText(node);
  if (node.nodeType !== 1 || node.matches(SKIPPED)) return;
  translateAttributes(node);
  if (isOurs(node)) return;
  if (table.exact && isUnit(node)) translateUnit(node);
  else for (const child of [...node.childNodes]) visit(child);
}

function flush() {
  due = 0;
  const start = performance.now();
  for (const node of pending) {
    if (performance.now() - start > BUDGET) break;
    pending.delete(node);
    if (node.isConnected) visit(node);
  }
  if (pending.size) due ||= requestAnimationFrame(flush);
}

const observer = new MutationObserver((records) => {
  const skips = new Map();
  for (const {type, target, addedNodes, attributeName} of records) {
    const element = target.nodeType === 1 ? target : target.parentElement;
    if (!element) continue;
    if (!skips.has(element)) skips.set(element, element.closest(SKIPPED) !== null || isOurs(element));
    if (skips.get(element)) continue;
    if (type === 'characterData' && texts.get(target)?.shown !== target.data) pending.add(target);
    if (type === 'childList') for (const node of addedNodes) pending.add(node);
    if (type === 'attributes' && attributes.get(target)?.[attributeName]?.shown !== target.getAttribute(attributeName)) {
      translateAttributes(target);
    }
  }
  if (pending.size) due ||= requestAnimationFrame(flush);
});

for (const kind of ['pointerover', 'focusin']) {
  document.addEventListener(kind, ({target}) => {
    const token = table && target instanceof Element ? target.closest(LATER) : null;
    if (token?.title) translateAttributes(token);
  }, true);
}

/** Puts the English back. */
function restore(node) {
  if (node.nodeType === 3) {
    const known = texts.get(node);
    if (known?.shown === node.data) node.data = known.english;
    return texts.delete(node);
  }
  for (const [name, {english, shown}] of Object.entries(attributes.get(node) ?? {})) {
    if (node.getAttribute(name) === shown) node.setAttribute(name, english);
  }
  attributes.delete(node);
  if (isOurs(node)) node.replaceChildren(...units.get(node).english);
  units.delete(node);
  for (const child of node.childNodes) restore(child);
}

const english = (node) => {
  if (node.nodeType === 3) return texts.get(node)?.shown === node.data ? texts.get(node).english : node.data;
  return [...(isOurs(node) ? units.get(node).english : node.childNodes)].map(english).join('');
};

window.__playgroundTranslation = (entries) => {
  const tables = {zh: new TranslationTable(entries), pseudo: new PseudoLanguage()};
  return {
    speak(language) {
      observer.disconnect();
      pending = new Set();
      if (table) restore(document.documentElement);
      table = tables[language] ?? null;
      figures = table && new FigureTranslation(table);
      Object.assign(window.__playgroundLanguage, {english, figure: (figure) => (figures ? figures.figure(figure) : figure),
        missing: () => [...(table?.missing ?? [])], translate: (text) => table?.translate(text)});
      if (!table) return;
      const options = {subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES};
      observer.observe(document.documentElement, options);
      visit(document.documentElement);
    },
  };
};
