// One of the scripts of PlotlyView: the numbers that stand in the cells of a map can be read. Plotly writes white or a dark
// grey, by the cell's brightness: 2.6 : 1 on a middle blue. Here it is the page's text or the page's ground, whichever has
// more contrast with the cell. See plotly_view_theme.js.

const pen = document.createElement('canvas').getContext('2d');

/** Red, green and blue, 0..255, of any opaque CSS colour. */
function partsOf(colour) {
  pen.fillStyle = colour;
  return [1, 3, 5].map((at) => parseInt(pen.fillStyle.slice(at, at + 2), 16));
}

/** Relative luminance (WCAG 2.1). */
function luminance(parts) {
  const [r, g, b] = parts.map((part) => part / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const contrast = (one, other) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);

/** The colour of a value on a scale of [place, parts]. */
function onScale(stops, share) {
  const at = Math.min(1, Math.max(0, share));
  const next = Math.max(1, stops.findIndex(([place]) => place >= at));
  const [[low, from], [high, to]] = [stops[next - 1], stops[next]];
  const way = high > low ? (at - low) / (high - low) : 1;
  return from.map((part, i) => part + way * (to[i] - part));
}

function inkCells() {
  const maps = [...box.querySelectorAll('.hm')].filter((map) => map.querySelector('.heatmap-label'));
  if (!maps.length) return;
  const inks = ['--body-text-color', '--background-fill-primary'].map(variable).map((ink) => [ink, luminance(partsOf(ink))]);
  for (const map of maps) {
    const {colorscale, zmin, zmax} = map.__data__[0].trace;
    if (!colorscale || !(zmax > zmin)) continue;
    const stops = colorscale.map(([place, colour]) => [place, partsOf(colour)]);
    for (const label of map.querySelectorAll('.heatmap-label')) {
      const ground = luminance(onScale(stops, (label.__data__.z - zmin) / (zmax - zmin)));
      const [ink] = inks.reduce((a, b) => (contrast(b[1], ground) > contrast(a[1], ground) ? b : a));
      for (const text of label.querySelectorAll('text')) text.style.fill = ink;
    }
  }
}
