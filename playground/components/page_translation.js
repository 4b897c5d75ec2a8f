// The last of the scripts that translate the page (page_language.js asks for them): finds the texts in the page, sets their
// translations, and goes on with what changes. What is `translate="no"`, as browsers' translators read it too, or of the class
// `notranslate` is a model's or a visitor's and is left alone. Knows no tabs.
//
// Nodes that Gradio's scripts made stay: the data of text nodes, attributes and what a list shows as chosen change. Sentences
// with tags are those of marked_sentences.js.

const SKIPPED = '[translate="no"], .notranslate, script, style, code, pre, svg, iframe, .katex, .cm-editor, [contenteditable="true"], ' +
  '[data-testid="user"], [data-testid="bot"], [data-testid^="cell-"], .table-wrap td, .pg-choices-of-text ul';
const ATTRIBUTES = ['title', 'placeholder', 'aria-label', 'alt', 'data-gloss'];
const WITH_ATTRIBUTES = ATTRIBUTES.map((name) => `[${name}]`).join();
const LATER = '.tok .t, .pg-shaded [title]';   // thousands of them: their titles are translated when someone asks for one
const NUMBERED = /^\d+: /;    // a choice of a list of tokens: tabs/shared/controls.py:token_choices
const BUDGET = 12;            // ms of a frame

const texts = new WeakMap();      // text node -> {english, shown}
const attributes = new WeakMap(); // element -> {name: {english, shown}}
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
  const fact = node.parentElement?.closest('dt') && table.exact?.get(`${data.trim()}:`);   // “Layers:” of a card, not the tab
  const shown = fact ? fact.replace(ENDS, '') : say(data);
  texts.set(node, {english: data, shown});
  if (shown !== data) node.data = shown;
}

function translateAttributes(element) {
  for (const name of ATTRIBUTES) {
    const value = element.getAttribute(name), known = attributes.get(element);
    if (!value || known?.[name]?.shown === value || !WORDS.test(value)) continue;
    if (element.localName === 'li' && NUMBERED.test(value)) continue;
    const shown = say(value);
    attributes.set(element, {...known, [name]: {english: value, shown}});
    if (shown !== value) element.setAttribute(name, shown);
  }
}

/** Translates a node and what it holds; the caller knows that nothing above it is skipped. */
function visit(node) {
  if (node.nodeType === 3) translateText(node);
  if (node.nodeType !== 1 || node.matches(SKIPPED)) return;
  translateAttributes(node);
  if (node.matches(CHOSEN)) showChosen(node, chosen);
  if (isOurs(node)) return;
  if (table.exact && isUnit(node)) translateUnit(node);
  else for (const child of [...node.childNodes]) visit(child);
}

/** What a list shows for a choice's name. */
function chosen(name) {
  if (NUMBERED.test(name) || !WORDS.test(name)) return name;
  const {text, isWhole} = table.translate(name);
  if (!isWhole) table.missing.delete(name);
  return isWhole ? text : name;
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
  if (node.localName === 'input') hideChosen(node);
  if (isOurs(node)) node.replaceChildren(...units.get(node).english);
  units.delete(node);
  for (const child of node.childNodes) restore(child);
}

const english = (node) => {
  if (node.nodeType === 3) return texts.get(node)?.shown === node.data ? texts.get(node).english : node.data;
  return [...(isOurs(node) ? units.get(node).english : node.childNodes)].map(english).join('');
};

/** The markup of an element as it was in English. */
function markup(element) {
  restore(element);
  const {innerHTML} = element;
  if (!element.closest(SKIPPED)) visit(element);
  return innerHTML;
}

window.__playgroundTranslation = (entries) => {
  const tables = {zh: new TranslationTable(entries), pseudo: new PseudoLanguage()};
  return {
    speak(language) {
      observer.disconnect();
      pending = new Set();
      if (table) restore(document.documentElement);
      table = tables[language] ?? null;
      figures = table && new FigureTranslation(table);
      Object.assign(window.__playgroundLanguage, {english, markup: table ? markup : ({innerHTML}) => innerHTML, figure: (figure) => (figures ? figures.figure(figure) : figure),
        missing: () => [...(table?.missing ?? [])], forget: () => table?.missing.clear(), translate: (text) => table?.translate(text)});
      if (!table) return;
      const options = {subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES};
      observer.observe(document.documentElement, options);
      visit(document.documentElement);
    },
  };
};
