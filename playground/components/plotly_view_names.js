// One of the scripts of PlotlyView: what is long enough to be cut off on a phone. Plotly gives names all the width that they
// take, and cuts off the numbers at the bars' ends; it lets a colour bar end outside. See plotly_view_theme.js.

const WIDEST = 0.55;   // of the picture's width, for names
const SLIM = 340;      // px; below this, a colour bar is as long as the axis under it

/** A flat colour bar ends where the axis under it does. */
function fitColourBars({data, layout}, width) {
  if (width >= SLIM) return;
  const traces = (data || []).flatMap((trace) => [trace.colorbar, trace.marker?.colorbar]);
  for (const bar of [...traces, layout.coloraxis?.colorbar]) {
    if (bar?.orientation === 'h') Object.assign(bar, {lenmode: 'fraction', len: 1, nticks: 3});
  }
}

/** Cuts out the middle of names at the left of horizontal bars that are too wide. Leaves names with markup. */
function fitNames({data, layout}, width) {
  const axis = layout.yaxis, names = axis?.ticktext;
  if (!Array.isArray(names) || !(data || []).some((trace) => trace.orientation === 'h')) return;
  const {family, size} = {...layout.font, ...axis.tickfont};
  pen.font = `${size || 11}px ${family || variable('--font-mono')}`;
  const fits = (name) => pen.measureText(name).width <= WIDEST * width;
  axis.ticktext = names.map((name) => {
    if (/</.test(name) || fits(plainWords(name))) return name;
    const letters = [...plainWords(name)];
    let [head, tail] = [Math.ceil(letters.length / 2), Math.floor(letters.length / 2)];
    const short = () => `${letters.slice(0, head).join('')}…${letters.slice(letters.length - tail).join('')}`;
    while (tail > 1 && !fits(short())) head > tail ? head-- : tail--;
    return short().replace('……', '…').replace(/&/g, '&amp;').replace(/</g, '&lt;');
  });
}
