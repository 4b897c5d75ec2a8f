// The script of an HTML file that plotly_view_html.js makes: unpacks plotly.js and the figure, and draws it. Runs alone, in a
// file on somebody's disk.

(async () => {
  const held = (id) => document.getElementById(id).textContent;
  const place = new Uint8Array(128);
  [...held('signs')].forEach((sign, n) => { place[sign.charCodeAt(0)] = n; });
  async function unpacked(id) {
    const [, length, signs] = held(id).match(/^(\d+) (.*)$/);
    const bytes = new Uint8Array(signs.length / 5 * 4), numbers = new DataView(bytes.buffer);
    for (let at = 0, byte = 0; at < signs.length; at += 5, byte += 4) {
      let number = 0;
      for (let n = 0; n < 5; n++) number = number * 85 + place[signs.charCodeAt(at + n)];
      numbers.setUint32(byte, number);
    }
    const stream = new Blob([bytes.subarray(0, Number(length))]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
    return new Response(stream).text();
  }
  const script = document.createElement('script');
  script.textContent = await unpacked('library');
  document.head.append(script);
  const {data = [], layout = {}, frames = []} = JSON.parse(await unpacked('figure'));
  await Plotly.newPlot('picture', {data, layout, frames, config: {responsive: true, displaylogo: false, showSendToCloud: false}});
})();
