// Of the scripts of PlotlyView: what stands in the place of a picture that is being computed. The style sheet shows the
// words while Gradio's status of the view (`data-works` at its block), or of the first picture beside it (`data-works-in` at
// the tab's panel), says that a handler runs; here these are set, and is noted when a handler has answered without a picture,
// so that nobody waits for one. Gradio's status is the element [data-testid="status-tracker"], with the class `hide` when
// nothing runs. (Gradio 6.31) See plotly_view_theme.js.

const STATUS = '[data-testid="status-tracker"]';
element.querySelector('.pv-waiting-work').textContent = props.waiting || 'Reading the text…';

/** The views that one answer draws: those of a tab's panel; the status stands at the first of them. */
const panel = () => element.closest('[role="tabpanel"]') || document.body;

const block = element.closest('.block');
let status = null, works = false;

function follow() {
  const now = Boolean(status?.isConnected && !status.classList.contains('hide'));
  if (works && !now && document.body.dataset.model === 'ready') {   // before there is a model, handlers answer with nothing
    setTimeout(() => {   // values come a little later
      for (const one of panel().querySelectorAll('.pv-frame')) one.setAttribute('data-answered', '');
    }, 300);
  }
  if (works === now) return;
  works = now;
  if (works && props.with_lasso) loadLibrary(WEBGL).catch(() => {});   // a cloud comes
  block.toggleAttribute('data-works', works);
  panel().toggleAttribute('data-works-in', panel().querySelector('[data-works]') !== null);
}

/** Says in the places of all pictures why there is no model. */
function sayNoModel(reason) {
  for (const place of document.querySelectorAll('.pv-waiting-failed')) {
    if (place.textContent !== reason) place.textContent = reason;
  }
}

/** Notes at the body, once a page, whether there is a model: its card has the attribute `data-weights`. */
function watchModel() {
  if (shared.model) return;
  const look = () => {
    if (document.querySelector('[data-weights]')) {
      document.body.dataset.model = 'ready';
      shared.model.disconnect();
      return;
    }
    const error = document.querySelector('#load-status .pg-error');
    if (error) {
      document.body.dataset.model = 'failed';
      sayNoModel(error.textContent.trim());
    } else delete document.body.dataset.model;
  };
  shared.model = new MutationObserver(look);
  shared.model.observe(document.body, {childList: true, subtree: true});
  look();
}
watchModel();

const ofStatus = new MutationObserver(follow);
function findStatus() {
  const other = block.querySelector(`:scope > ${STATUS}`);
  if (other === status) return;
  status = other;
  if (status) ofStatus.observe(status, {attributes: true, attributeFilter: ['class']});
  follow();
}
if (block) {
  block.toggleAttribute('data-view', true);
  new MutationObserver(findStatus).observe(block, {childList: true});
  findStatus();
}
