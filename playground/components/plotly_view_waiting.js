// Of the scripts of PlotlyView: what stands in the place of a picture that is being computed. The style sheet shows the
// words while Gradio's status of the view, or of the first picture beside it, says that a handler runs; here is noted when
// a handler has answered without a picture, so that nobody waits for one. Gradio's status is the element
// [data-testid="status-tracker"], with the class `hide` when nothing runs. (Gradio 6.31) See plotly_view_theme.js.

const STATUS = '[data-testid="status-tracker"]';
element.querySelector('.pv-waiting-work').textContent = props.waiting || 'Reading the text…';

/** The views that one answer draws: those of a tab's panel; the status stands at the first of them. */
const beside = () => [...(element.closest('[role="tabpanel"]') || document.body).querySelectorAll('.pv-frame')];

const block = element.closest('.block');
let status = null, works = false;

function follow() {
  const now = Boolean(status?.isConnected && !status.classList.contains('hide'));
  if (works && !now && document.querySelector('[data-weights]')) {   // before there is a model, handlers answer with nothing
    setTimeout(() => { for (const one of beside()) one.setAttribute('data-answered', ''); }, 300);   // values come a little later
  }
  works = now;
}

const ofStatus = new MutationObserver(follow);
function findStatus() {
  const other = block.querySelector(`:scope > ${STATUS}`);
  if (other === status) return;
  status = other;
  if (status) ofStatus.observe(status, {attributes: true, attributeFilter: ['class']});
  follow();
}
if (block) {
  new MutationObserver(findStatus).observe(block, {childList: true});
  findStatus();
}
