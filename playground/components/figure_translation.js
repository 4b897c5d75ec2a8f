// Of the scripts that translate the page: a Plotly figure, before it is drawn. Titles, names, notes, buttons and hover labels are
// the page's words. Ticks and the data may be a model's tokens and stay as they are; so do texts of points and cells, unless the
// trace says that they are the page's, or they are sentences with a token in <b>. A trace's name and an annotation may be a
// visitor's words too: then they say so.

const HELD = '\uE001';       // round the number of a token that is held back
const OURS = 'ours', THEIRS = 'theirs';   // figures/layout.py: in the meta of a trace or a layout, the name of an annotation

class FigureTranslation {
  /** table: with translate(text). */
  constructor(table) {
    this.table = table;
  }

  figure(figure) {
    const data = figure.data || [], layout = figure.layout || {};
    for (const frame of figure.frames || []) {
      (frame.data || []).forEach((trace, n) => this.trace(trace, data[frame.traces?.[n] ?? n]?.meta));
      this.layout(frame.layout || {});
    }
    for (const trace of data) this.trace(trace, trace.meta);
    this.layout(layout);
    for (const named of layout.meta?.[OURS] || []) {
      const [axis, only] = named.split(' '), {tickvals, ticktext, labelalias} = layout[axis] || {};
      const translated = (text, place) => (only === undefined || only === String(place) ? this.words(String(text)) : text);
      if (Array.isArray(ticktext)) layout[axis].ticktext = ticktext.map((text, n) => translated(text, tickvals?.[n]));
      for (const [place, text] of Object.entries(labelalias || {})) labelalias[place] = translated(text, place);
    }
    return figure;
  }

  layout(layout) {
    for (const key of Object.keys(layout)) {
      if (/^([xy]axis|coloraxis|scene|polar)\d*$/.test(key)) this.titles(layout[key]);
      if (/^scene\d*$/.test(key)) {
        for (const axis of ['xaxis', 'yaxis', 'zaxis']) this.titles(layout[key]?.[axis]);
        this.notes(layout[key]?.annotations);
      }
    }
    this.titles(layout);
    this.titles(layout.legend);
    this.notes(layout.annotations);
    for (const slider of layout.sliders || []) {
      this.put(slider.currentvalue, 'prefix');
      for (const step of slider.steps || []) this.put(step, 'label');
    }
    for (const menu of layout.updatemenus || []) for (const button of menu.buttons || []) this.put(button, 'label');
  }

  notes(annotations) {
    for (const note of annotations || []) if (note.name !== THEIRS) this.put(note, 'text');
  }

  /** meta: what the trace, or that of which a frame holds another state, says of its texts. */
  trace(trace, meta) {
    const [ours, theirs] = [OURS, THEIRS].map((word) => String(meta ?? '').split(' ').includes(word));
    const held = theirs && trace.name ? [trace.name] : [];
    if (trace.hovertemplate) trace.hovertemplate = this.each(trace.hovertemplate, (text) => this.around(text, held, theirs));
    if (!theirs) this.put(trace, 'name');
    this.titles(trace);
    for (const holder of [trace, trace.marker, trace.line]) this.titles(holder?.colorbar);
    this.titles({title: trace.legendgrouptitle});
    for (const key of ['hovertext', 'text']) {
      if (trace[key]) trace[key] = this.each(trace[key], (text) => (ours || text.includes('</b>') ? this.around(text, [], true) : text));
    }
  }

  each(texts, change) {
    if (typeof texts === 'string') return change(texts);
    return Array.isArray(texts) ? texts.map((one) => this.each(one, change)) : texts;
  }

  /** A sentence of ours round tokens, which are held back: `tokens`, and what stands in <b> if `bold`. */
  around(text, tokens, bold) {
    if (!tokens.length && !(bold && text.includes('</b>'))) return this.words(text);
    const kept = [];
    const hold = (token) => `${HELD}${kept.push(token) - 1}${HELD}`;
    let coded = text;
    if (bold) coded = coded.replace(/<b>(.*?)<\/b>/g, (_, token) => `<b>${hold(token)}</b>`);
    for (const token of tokens) coded = coded.replaceAll(token, hold(token));
    return this.words(coded).replace(new RegExp(`${HELD}(\\d+)${HELD}`, 'g'), (_, number) => kept[number]);
  }

  titles(holder) {
    if (!holder || typeof holder !== 'object') return;
    if (typeof holder.title === 'string') this.put(holder, 'title');
    else this.put(holder.title, 'text');
  }

  put(holder, key) {
    if (typeof holder?.[key] === 'string') holder[key] = this.words(holder[key]);
    else if (Array.isArray(holder?.[key]) && key === 'hovertemplate') holder[key] = holder[key].map((one) => this.words(one));
  }

  /** A label in Plotly's kind of HTML; the part in <extra> and tags with attributes parse as ends of texts. */
  words(label) {
    if (!WORDS.test(label)) return label;
    return label.split(/(<\/?extra>|<\/?span[^>]*>)/).map((part, n) => (n % 2 ? part : this.lines(part))).join('');
  }

  lines(part) {
    if (!WORDS.test(part)) return part;
    const coded = part.replace(/&lt;/g, LESS).replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&#x?27;|&#39;/g, "'").replace(/&amp;/g, '&');
    const whole = this.table.translate(coded);
    if (whole.isWhole) return this.escaped(whole.text);
    this.table.missing.delete(coded);
    return coded.split(/<br\s*\/?>/).map((line) => this.escaped(this.say(line))).join('<br>');
  }

  /** A line with its tags: as a whole, or the texts between its tags. */
  say(line) {
    const [, before, words, after] = line.match(/^(\s*)(.*?)(\s*)$/s);
    return before + translateMarkup(this.table, words) + after;
  }

  escaped(text) {
    return text.split(/(<\/?(?:b|em|i|sub|sup|br|a|code)>)/).map((part, n) => (n % 2 ? part : part.replace(/&/g, '&amp;').replace(/</g, '&lt;')
      .replace(/>/g, '&gt;').replaceAll(LESS, '&lt;'))).join('');
  }
}

/** A text with tags: by its key, or else the texts between the tags, but for code. */
function translateMarkup(table, text) {
  const whole = table.translate(text);
  if (whole.isWhole || !text.includes('<')) return whole.text;
  let isWhole = true;
  const said = text.split(/(<code>.*?<\/code>|<[^>]*>)/).map((part, n) => {
    if (n % 2 || !WORDS.test(part)) return part;
    const [, before, words, after] = part.match(/^([^\p{L}\p{N}“(]*)(.*?)(\s*)$/su);
    const one = table.translate(words);
    if (!one.isWhole) table.missing.delete(words);
    isWhole &&= one.isWhole;
    return before + one.text + after;
  });
  if (isWhole) table.missing.delete(text);
  return said.join('');
}
