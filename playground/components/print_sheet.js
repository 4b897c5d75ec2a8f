// What the page prints: the open view's pictures with their sentences, under a heading that names view, model, text and
// settings; in light colours, also where the page is dark. Knows Gradio's controls; knows no models.
//
// shared_script.js runs this as the body of a function (…, element, trigger, props, watch). `props.value` is the text under
// the lens. print_sheet.css hides, while <html> has the class pg-printing, all that has no attribute data-print: "whole"
// is printed as it is, "way" leads to it.

const PAPER = 680;            // px, the width of A4 and of Letter without their margins
const KEPT = '.pv-wrap, .bv, .tok, .pg-note, .pg-lead, .pg-keys, .pg-badge, .pg-section, .katex-display';
const LONGEST = 200;          // characters of a setting
const sheet = element.querySelector('.pg-print');
const page = document.documentElement;
let wasDark = null;           // whether the page was dark before it was printed; null while it is not

/** Label and value of a control, as words; '' for one without a value. */
function setting(block) {
  const label = block.querySelector('[data-testid="block-info"], .label-text')?.textContent.trim() ?? '';
  const [box, choice, field] = ['input[type=checkbox]', 'input[type=radio]', 'input[type=number], input:not([type=range]), textarea']
    .map((kind) => block.querySelector(kind));
  if (!choice && box) {
    const boxes = [...block.querySelectorAll('input[type=checkbox]')];
    if (boxes.length === 1) return `${label}: ${box.checked ? 'yes' : 'no'}`;
    return `${label}: ${boxes.filter((one) => one.checked).map((one) => one.parentElement.textContent.trim()).join(', ')}`;
  }
  const value = choice ? block.querySelector('input[type=radio]:checked')?.parentElement.textContent.trim() : field?.value;
  return value ? `${label ? `${label}: ` : ''}${String(value).slice(0, LONGEST)}` : '';
}

function heading() {
  const line = (tag, text) => {
    if (!text) return [];
    const node = document.createElement(tag);
    node.textContent = text;
    return [node];
  };
  const tabs = [...document.querySelectorAll('#tabs [role=tab][aria-selected=true]')].filter((tab) => tab.checkVisibility());
  const blocks = [...document.querySelectorAll('#tabs .block:is(:has(input), :has(textarea))')]
    .filter((block) => block.checkVisibility() && !block.querySelector('.block, table'));
  const settings = blocks.map(setting).filter(Boolean);
  if (!settings.some((one) => /seed/i.test(one))) settings.push(...seeds());
  sheet.replaceChildren(
    ...line('h1', [...new Set(tabs.map((tab) => tab.textContent.trim()))].join(' · ')),
    ...line('p', document.querySelector('[data-weights]')?.dataset.weights),
    ...line('blockquote', props.value),
    ...line('p', settings.join(' · ')));
}

/** The seeds of the pictures in sight, which a folded room of rules hides. */
function seeds() {
  const parts = [...(window.__playgroundPlots?.parts ?? [])].filter(([view]) => view.closest('#tabs') && view.checkVisibility());
  const all = parts.map(([, part]) => part.source().settings?.seed).filter((seed) => seed !== undefined);
  return [...new Set(all)].map((seed) => `Random seed: ${seed}`);
}

/** Marks what is printed and the way to it. */
function mark(node) {
  node.dataset.print = 'whole';
  for (let above = node.parentElement; above && above !== page; above = above.parentElement) above.dataset.print ??= 'way';
}

function prepare() {
  if (wasDark !== null) return;
  wasDark = document.body.classList.contains('dark');
  heading();
  const kept = [...document.querySelectorAll(`#tabs :is(${KEPT})`)].filter((node) => node.checkVisibility() &&
    !node.closest('details') && node.textContent.trim() + (node.querySelector('svg, canvas, iframe') ? 'drawn' : ''));
  for (const node of kept) {
    if (!node.matches('.pv-wrap')) continue;
    const width = Math.max(node.clientWidth, node.querySelector('.pv').offsetWidth);
    node.style.setProperty('--pv-width', `${width}px`);
    node.style.setProperty('--pv-zoom', Math.min(1, PAPER / width));
  }
  for (const node of [sheet, ...kept]) mark(node);
  page.classList.add('pg-printing');
  document.body.classList.remove('dark');          // PlotlyView and BertvizView draw again, in light colours
}

function restore() {
  if (wasDark === null) return;
  page.classList.remove('pg-printing');
  document.body.classList.toggle('dark', wasDark);
  for (const node of document.querySelectorAll('[data-print]')) delete node.dataset.print;
  wasDark = null;
}

window.addEventListener('beforeprint', prepare);
window.addEventListener('afterprint', restore);
window.matchMedia('print').addEventListener('change', (event) => (event.matches ? prepare() : restore()));
