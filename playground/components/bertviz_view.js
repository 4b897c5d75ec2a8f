// bertviz's three views in a frame of their own, sandboxed: no network, no access to the page. Knows no models.
//
// Gradio runs this text as the body of a function (element, trigger, props, server, upload, watch). The frame's document
// is put together here from files of installed packages; numbers and tokens reach it as data (postMessage), never as markup.
'use strict';

const frame = element.querySelector('iframe');
const words = element.querySelector('.bv-words');
let ready = false, started = false;

function address(file) {
  const root = new URL(window.gradio_config?.root || '.', window.location.href);
  const base = root.hostname === window.location.hostname ? window.location.origin + root.pathname : root.href;
  return base.replace(/\/$/, '') + '/gradio_api/file=' + encodeURI(file);
}

async function text(file) {
  const answer = await fetch(address(file));
  if (!answer.ok) throw new Error(file.split('/').pop() + ' is missing');
  return (await answer.text()).replace(/<\/script/gi, '<\\/script');
}

async function compose() {
  const [d3, jquery, head, model, neuron] = await Promise.all(FILES.map(text));
  const view = source => `(){${source.replaceAll('PYTHON_PARAMS', 'window.bertviz_params')}\n}`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<style>body{margin:0;padding:8px;font:14px system-ui,sans-serif;background:#fff;color:#111;overflow-x:auto}
body.dark{background:#0b0f19;color:#ddd} body.dark svg text{fill:#ddd} body.neuron #layer, body.neuron .of-layer{display:none}
select{min-height:32px}</style>
<script>${d3}</script><script>${jquery}</script>
<script>
window.require = {config() {}};                                  // two lines in place of require.js
window.requirejs = (names, ready) => ready(window.jQuery, window.d3);
const VIEWS = {head${view(head)}, model${view(model)}, neuron${view(neuron)}};
const SHELLS = {head: 'Layer: <select id="layer" aria-label="Layer"></select><div id="vis"></div>', model: '<div id="vis"></div>',
  neuron: '<span class="of-layer">Layer: </span><select id="layer" aria-label="Layer"></select> Head: ' +
    '<select id="att_head" aria-label="Head"></select><div id="vis"></div>'};
addEventListener('message', event => {
  const asked = event.data;
  if (event.source !== parent || !asked || !Object.hasOwn(VIEWS, asked.view)) return;
  document.getElementById('root').innerHTML = SHELLS[asked.view];
  window.bertviz_params = Object.assign({}, asked.params, {root_div_id: 'root'});
  document.body.className = asked.params.display_mode + ' ' + asked.view;
  VIEWS[asked.view]();
  document.documentElement.dataset.drawn = asked.view;
  parent.postMessage({bertviz: 'drawn', view: asked.view}, '*');
});
new ResizeObserver(() => parent.postMessage({bertviz: 'height', height: document.documentElement.offsetHeight}, '*'))
  .observe(document.documentElement);
parent.postMessage({bertviz: 'ready'}, '*');
</script></head><body><div id="root"></div></body></html>`;
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
  const asked = JSON.parse(props.value);
  asked.params.display_mode = document.body.classList.contains('dark') ? 'dark' : 'light';
  delete frame.dataset.drawn;
  frame.contentWindow.postMessage(asked, '*');
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
send();
