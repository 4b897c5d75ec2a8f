// Of the scripts of PlotlyView: the picture as Python: a script to read, to copy and to save, and the same as a notebook; or
// why there is none. The script comes with the figure, as `props.python`; Python makes it (playground/scripts). See
// plotly_view_theme.js.

const python = element.querySelector('.pv-python');
const CELL = /^# %%( \[markdown\])?\n/m;      // playground/scripts/script.py:CELL

const NO_SCRIPT = {why: 'There is no script for this picture yet.'};

/** The script or why there is none, as text: nothing in it is read as HTML. */
function fillPython() {
  const {code, why} = props.python || NO_SCRIPT;
  python.querySelector('.pv-why').textContent = why || '';
  python.querySelector('.pv-why').hidden = !why;
  python.querySelector('.pv-save').hidden = python.querySelector('.pv-code').hidden = !code;
  python.querySelector('.pv-code').textContent = code || '';
}

/** The script as a notebook, format 4.5: a cell for each part behind a mark. */
function asNotebook(code) {
  const [, ...parts] = code.split(CELL);      // behind each mark: its kind, its lines
  const cells = [];
  for (let n = 0; n < parts.length; n += 2) {
    const text = parts[n + 1].trimEnd(), id = `cell-${n / 2}`;
    if (parts[n]) cells.push({cell_type: 'markdown', id, metadata: {}, source: text.replace(/^# ?/gm, '')});
    else cells.push({cell_type: 'code', id, metadata: {}, source: text.trimStart(), outputs: [], execution_count: null});
  }
  return {nbformat: 4, nbformat_minor: 5, cells, metadata: {
    kernelspec: {name: 'python3', display_name: 'Python 3', language: 'python'}, language_info: {name: 'python'}}};
}

tool('python').addEventListener('click', () => {
  python.hidden = !python.hidden;
  tool('python').setAttribute('aria-expanded', String(!python.hidden));
  if (!python.hidden) fillPython();
});

for (const button of python.querySelectorAll('[data-save]')) {
  button.addEventListener('click', () => {
    const code = props.python?.code;
    if (!code) return;
    if (button.dataset.save === 'py') save(code, 'text/x-python', 'py');
    else save(JSON.stringify(asNotebook(code), null, 1), 'application/x-ipynb+json', 'ipynb');
  });
}

watch('python', () => { if (!python.hidden) fillPython(); });
