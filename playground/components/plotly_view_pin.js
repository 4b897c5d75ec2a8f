// Of the scripts of PlotlyView: “Pin” hands the picture as it stands to the page's tray (pin_tray.js), which draws it in a
// view of its own; on a page without a tray it does nothing. See plotly_view_theme.js.

/** A picture that no handler draws anew, in a view of its own: with its files, its table, its keyboard and the whole screen.
 * itsProps: as of a PlotlyView. pin: the number, the line and the sentence that a pinned picture goes by. */
shared.drawIn ??= (host, itsProps) => {
  host.innerHTML = shared.template;
  window.__playgroundScripts.plotly_view_theme.then((run) =>
    run(fetched, address, LIBRARIES, host, () => {}, itsProps, () => {}));
};
shared.template ??= window.__playgroundLanguage?.markup(element) ?? element.innerHTML;     // Python's own markup: nothing is drawn yet
shared.plainWords ??= plainWords;

/** Lays the frame that an animation stands at over the figure. */
function holdFrame(figure) {
  const name = box._fullLayout._currentFrame;
  const frame = (figure.frames || []).find((one) => String(one.name) === String(name));
  if (!frame) return;
  (frame.data || []).forEach((part, n) => {
    const place = frame.traces?.[n] ?? n;
    if (figure.data[place]) figure.data[place] = merge(figure.data[place], part);
  });
  figure.layout = merge(figure.layout, frame.layout);
  for (const slider of figure.layout.sliders || []) {
    const at = (slider.steps || []).findIndex((step) => String(step.args?.[0]) === String(name));
    if (at >= 0) slider.active = at;
  }
}

/** The figure as it stands: its mark, its view, its frame, what was zoomed and which series are hidden. */
function figureNow() {
  const figure = sentFigure();
  holdFrame(figure);
  for (const axis of moved ? axes() : []) {
    figure.layout[axis._name] = {...figure.layout[axis._name], range: [...axis.range], autorange: false};
  }
  for (const name of moved ? scenes() : []) {
    figure.layout[name] = {...figure.layout[name], camera: structuredClone(box.layout[name].camera)};
  }
  for (const {index, visible} of box._fullData) {
    const trace = figure.data[index];
    if (trace && [visible, trace.visible].includes('legendonly')) trace.visible = visible;   // switched in the legend
  }
  return figure;
}

/** What the picture says: its description and the page's sentence, unless one is in the other. */
function sentences() {
  const english = window.__playgroundLanguage?.english ?? ((node) => node.textContent);
  const [own, near] = [english(words), shared.stage.sentenceOf(element, english)]
    .map((text) => text.trim().replaceAll('\u00a0%', ' %'));   // a Panel keeps them on one line
  return own.includes(near) ? own : near.includes(own) ? near : `${own}\n${near}`;
}

tool('pin').addEventListener('click', () => {
  if (!bound || !window.__playgroundPins) return;
  remark(window.__playgroundPins.pin({
    value: JSON.stringify(figureNow()), height: props.height, label: props.label, source: sourceOf(), python: props.python,
    words: sentences(), link: window.__playgroundLinks?.address()[0].split('#')[1] ?? null,
  }));
});
