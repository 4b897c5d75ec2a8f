// Of the scripts that translate the page: sentences with tags in them, in a Panel, whose markup Python wrote. Such a sentence is
// built anew: of the table's own words, the page's own tags, and text nodes. Knows neither where it stands nor what it says.

const INLINE = new Set(['b', 'em', 'i', 'code', 'sub', 'sup', 'br', 'strong', 'a', 'span']);
const units = new WeakMap();      // element of a Panel -> {english: its own nodes, shown: those in their place}

const isOurs = (element) => units.get(element)?.shown.includes(element.firstChild);

/** Whether an element of a Panel is one sentence, or several, with tags in it. */
function isUnit(element) {
  if (!element.firstElementChild || ![...element.childNodes].some((node) => node.nodeType === 3 && /\S/.test(node.data))) return false;
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
