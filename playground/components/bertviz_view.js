// bertviz's three views in a frame of their own, sandboxed: no network, no access to the page. Knows no models.
//
// shared_script.js runs this as the body of a function (fetched, …, LIBRARIES, element, trigger, props, watch). It composes
// the frame's document from LIBRARIES, files of installed packages. Numbers and tokens reach the frame as data
// (postMessage), never as markup; so do its colours, which it can't inherit, and bertviz's own words in the page's language.

const frame = element.querySelector('iframe');
const words = element.querySelector('.bv-words');
let ready = false, started = false;
const WORDS = {Layer: 'layer', Head: 'head', Layers: 'layer', Heads: 'head', Query: 'query', Key: 'key', elementwise: 'elementwise',
  'No token selected': 'No token selected'};   // bertviz's words -> what the page calls it

/** A file's text that can stand inside a script element. */
const inside = async (file) => (await fetched(file)).replace(/<\/script/gi, '<\\/script');

async function compose() {
  const [d3, jquery, head, model, neuron] = await Promise.all(LIBRARIES.map(inside));
  const view = source => `(){${source.replaceAll('PYTHON_PARAMS', 'window.bertviz_params')}\n}`;
  const wide = head.replace('MATRIX_WIDTH = 115', 'MATRIX_WIDTH = window.lines_width');   // its own 115 px, or as the room is
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<style>body{margin:0;padding:8px;font:14px system-ui,sans-serif;background:var(--ground);color:var(--text);overflow-x:auto}
body.dark svg text{fill:var(--text)}
body.neuron #heading text:nth-child(1){fill:var(--query)!important} body.neuron #queries .vectorborder{stroke:var(--query)!important}
body.neuron #heading text:nth-child(2){fill:var(--key)!important} body.neuron #keys .vectorborder{stroke:var(--key)!important}
body.neuron #heading text:nth-child(5){fill:var(--attention)!important} body.neuron line{stroke:var(--attention)}
#root{background:none!important} body.dark:not(.model) svg{filter:url(#lift)} body.dark rect[fill=black]{fill:var(--ground)} body.neuron #layer, body.neuron .of-layer{display:none}
select{min-height:32px}
@media print{:root{--ground:white!important;--text:black!important} body.dark:not(.model) svg{filter:none}}</style>
<script>${d3}</script><script>${jquery}</script>
<script>
window.require = {config() {}};                                  // two lines in place of require.js
window.requirejs = (names, ready) => ready(window.jQuery, window.d3);
const VIEWS = {head${view(wide)}, model${view(model)}, neuron${view(neuron)}};
const SHELLS = {head: 'Layer: <select id="layer" aria-label="Layer"></select><div id="vis"></div>', model: '<div id="vis"></div>',
  neuron: '<span class="of-layer">Layer: </span><select id="layer" aria-label="Layer"></select> Head: ' +
    '<select id="att_head" aria-label="Head"></select><div id="vis"></div>'};
addEventListener('message', event => {
  const request = event.data;
  if (event.source !== parent || !request || !Object.hasOwn(VIEWS, request.view)) return;
  for (const name in request.colours) document.documentElement.style.setProperty('--' + name, request.colours[name]);
  d3.schemeCategory10 = request.palette;                         // what heads and layers are drawn in
  document.getElementById('root').innerHTML = SHELLS[request.view];
  window.bertviz_params = Object.assign({}, request.params, {root_div_id: 'root'});
  window.lines_width = Math.max(115, Math.min(520, innerWidth - 260));   // beside two columns of tokens
  document.body.className = request.params.display_mode + ' ' + request.view;
  VIEWS[request.view]();
  const say = text => text.replace(/No token selected|elementwise|\\b(?:Layer|Head)s?\\b|\\b(?:Query|Key)\\b/g, word => request.words[word] ?? word);
  const put = () => {                              // headings alone: other texts are tokens
    for (const node of document.querySelectorAll('#heading tspan, #heading text, #placeholder, #vis svg > text[font-weight=bold]')) {
      if (!node.firstElementChild && say(node.textContent) !== node.textContent) node.textContent = say(node.textContent);
    }
  };
  put();
  new MutationObserver(put).observe(document.getElementById('vis'), {childList: true, subtree: true});
  for (const node of document.querySelectorAll('#root select')) node.ariaLabel = say(node.ariaLabel);
  for (const node of [...document.getElementById('root').childNodes, ...(document.querySelector('.of-layer')?.childNodes ?? [])]) {
    if (node.nodeType === 3) node.data = say(node.data);
  }
  const svg = document.querySelector('#vis svg');
  if (request.view === 'model' && svg) {          // always 970 px wide: a narrower page shows it smaller, down to 640 px
    svg.setAttribute('viewBox', '0 0 ' + svg.getAttribute('width') + ' ' + svg.getAttribute('height'));
    Object.assign(svg.style, {width: '100%', height: 'auto', minWidth: '640px', maxWidth: svg.getAttribute('width') + 'px'});
  }
  document.documentElement.dataset.drawn = request.view;
  parent.postMessage({bertviz: 'drawn', view: request.view}, '*');
});
new ResizeObserver(() => parent.postMessage({bertviz: 'height', height: document.documentElement.offsetHeight}, '*'))
  .observe(document.documentElement);
parent.postMessage({bertviz: 'ready'}, '*');
</script></head><body><div id="root"></div><svg width="0" height="0" style="position:absolute"><filter id="lift"><feComponentTransfer>
<feFuncA type="gamma" exponent="0.6"/></feComponentTransfer></filter></svg></body></html>`;   // faint lines need more on dark
}

function send() {
  if (!props.value) { frame.hidden = true; return; }
  frame.hidden = false;
  if (!started) {
    started = true;
    compose().then(page => { frame.srcdoc = page; }, error => { started = false; words.textContent = 'bertviz can\'t be shown: ' + error.message; });
    return;
  }
  if (!ready) return;
  const request = JSON.parse(props.value);
  request.params.display_mode = document.body.classList.contains('dark') ? 'dark' : 'light';
  const variable = name => getComputedStyle(element).getPropertyValue(name).trim();
  request.colours = {ground: variable('--pg-frame-ground'), text: variable('--pg-frame-text'), query: variable('--pg-query'),
    key: variable('--pg-key'), attention: variable('--pg-attention')};
  const categories = variable('--pg-categories').split(',').map(colour => colour.trim());
  const said = word => window.__playgroundLanguage?.translate?.(word)?.text ?? word;
  request.words = window.__playgroundLanguage?.current() === 'en' ? {} : Object.fromEntries(Object.entries(WORDS).map(([word, name]) => [word, said(name)]));
  request.palette = Array.from({length: 10}, (_, number) => categories[number % categories.length]);
  delete frame.dataset.drawn;
  frame.contentWindow.postMessage(request, '*');
}

window.addEventListener('message', event => {
  if (event.source !== frame.contentWindow || !event.data) return;
  if (event.data.bertviz === 'ready') { ready = true; send(); }
  if (event.data.bertviz === 'drawn') frame.dataset.drawn = String(event.data.view);
  if (event.data.bertviz === 'height' && Number.isFinite(event.data.height)) {
    frame.style.height = Math.min(Math.max(event.data.height, 120), 6000) + 'px';
  }
});
watch('value', send);
let dark = document.body.classList.contains('dark');
new MutationObserver(() => {
  if (dark !== document.body.classList.contains('dark')) { dark = !dark; send(); }
}).observe(document.body, {attributes: true, attributeFilter: ['class']});
new MutationObserver(() => window.__playgroundLanguage?.ready().then(send))
  .observe(document.documentElement, {attributes: true, attributeFilter: ['lang']});
window.__playgroundLanguage?.ready().then(send);
send();
