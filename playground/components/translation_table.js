// Of the scripts that translate the page: a table of texts, and the translation of a text by it. Knows no page.
//
// A key is a text with slots {0}, {1}, …, and inline tags without attributes. In a text “<” that begins none of these tags is
// written LESS. What stands between “ and ” is a token's or a visitor's and stays as it is.

const ANY_TAG = /<(?!\/?(?:b|em|i|code|sub|sup|strong|a|br|span)>)/g;
const LESS = '\uE000';
const NO_BREAK = '\u00a0%';
const WORDS = /[A-Za-z]{2}/;
const LONGEST = 4000;         // characters of a text; longer ones are nobody's sentence
const DEEPEST = 3;            // slots within slots
const SHORT = 24;             // letters of a pattern in whose slots no sentence ends
const RUN = 6;                // parts of a text that may have a key together
const KEPT = 5000;            // translations kept
const PROSE = /[A-Za-z]{2,} [a-z]{2,}/;
const NAME = /^[\w./-]*[\d/_.-][\w./-]*[:.;,]?$/;   // of a model, a file or a format
const ORDINAL = /^([\d,]+)(?:st|nd|rd|th)$/;
const BRACKETS = {'(': 1, '[': 1, ')': -1, ']': -1};
const FULL = {'.': '。', '?': '？', '!': '！', ':': '：', ';': '；', ',': '，'};
const ENDS = /[。？！：；，]$/;

/** Whether quotation marks, brackets and tags in a text close what they open. */
function isBalanced(text) {
  const open = [];
  for (const [sign] of text.replace(/“[^“”]*”/g, '').matchAll(/[“”()[\]]|<\/?[a-z]+>/g)) {
    if (sign === '<br>') continue;
    if (sign[0] === '<' ? sign[1] !== '/' : '“(['.includes(sign)) open.push(sign);
    else {
      const last = open.pop();
      if (sign[0] === '<' ? last !== sign.replace('/', '') : last !== {'”': '“', ')': '(', ']': '['}[sign]) return false;
    }
  }
  return !open.length;
}

/** [{words, gap}]: a text cut behind the ends of its sentences and clauses, outside quotation marks and brackets. */
function partsOf(text) {
  const parts = [];
  let depth = 0, quotes = 0, from = 0;
  for (let n = 0; n < text.length; n += 1) {
    if (quotes ? text[n] === '”' : text[n] === '“') quotes = 1 - quotes;      // brackets in a quotation are a token's
    else if (!quotes) depth = Math.max(0, depth + (BRACKETS[text[n]] ?? 0));
    if (quotes || depth || text[n] !== ' ') continue;
    const gap = text.startsWith(' · ', n) ? ' · ' : '.?!:;'.includes(text[n - 1]) ? ' ' : '';
    if (!gap || n === from) continue;
    parts.push({words: text.slice(from, n), gap});
    from = n + gap.length;
    n = from - 1;
  }
  parts.push({words: text.slice(from), gap: ''});
  return parts;
}

class TranslationTable {
  constructor(entries) {
    this.exact = new Map();
    this.patterns = [];
    this.cache = new Map();
    this.missing = new Set();
    for (const [key, value] of Object.entries(entries)) this.add(key.replace(ANY_TAG, LESS), value.replace(ANY_TAG, LESS));
    this.patterns.sort((a, b) => b.weight - a.weight);
  }

  add(key, value) {
    const pieces = key.split(/\{\d+\}/);
    if (pieces.length === 1) {
      this.exact.set(key, value);
      return;
    }
    const slots = [...key.matchAll(/\{(\d+)\}/g)].map(([, number]) => number);
    let before = '';
    const quoted = slots.map((_, n) => {
      before += pieces[n];
      return before.lastIndexOf('“') > before.lastIndexOf('”');
    });
    const longest = pieces.reduce((a, b) => (b.length > a.length ? b : a)).replace(/[.:;?!]? ?$/, '');
    const weight = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const counts = slots.length === 1 && /^ [a-z ]+$/.test(pieces[1]) && !pieces[0];   // “{0} tokens”
    this.patterns.push({pieces, slots, quoted, longest, weight: counts ? 0 : weight, value: value.split(/\{(\d+)\}/)});
  }

  /** {text, isWhole}: the translation, and whether every part of it with words was in the table. */
  translate(words) {
    const text = words.replaceAll(NO_BREAK, ' %');
    const known = this.cache.get(text);
    if (known) return known;
    this.phrases = new Map();    // of this text's parts, which patterns ask for again and again
    const result = text.length > LONGEST ? {text, isWhole: true} : this.sentences(text, this.near(text, this.patterns), 0);
    result.text = result.text.replaceAll(' %', NO_BREAK);
    if (!result.isWhole) this.missing.add(text);
    if (this.cache.size >= KEPT) this.cache.clear();
    this.cache.set(text, result);
    return result;
  }

  /** The patterns that a text or a part of it may have. */
  near(text, patterns) {
    return patterns.filter((pattern) => text.includes(pattern.longest));
  }

  sentences(text, near, depth) {
    const whole = this.phrase(text, near, depth);
    if (whole !== null) return {text: whole, isWhole: true};
    const parts = partsOf(text);
    let said = '', isWhole = true;
    for (let n = 0; n < parts.length;) {
      let taken = 1, words = null;
      for (taken = Math.min(RUN, parts.length - n); taken; taken -= 1) {
        const run = parts.slice(n, n + taken).map((part, at) => part.words + (at < taken - 1 ? part.gap : '')).join('');
        if (taken === parts.length) continue;          // the whole text has no key
        words = this.phrase(run, near, depth);
        if (words !== null) break;
      }
      if (words === null) {
        taken = 1;
        words = this.list(parts[n].words, near, depth);
        if (words === null) {
          words = parts[n].words;
          isWhole &&= NAME.test(words) || !WORDS.test(words.replace(/“[^”]*”/g, ''));
        }
      }
      n += taken;
      const {gap} = parts[n - 1];
      said += words + (gap === ' ' && ENDS.test(words) ? '' : gap);
    }
    return {text: said, isWhole};
  }

  /** A text that has a key as a whole, also with another sign at its end; else null. */
  phrase(text, near, depth) {
    const key = `${depth} ${text}`;
    if (!this.phrases.has(key)) this.phrases.set(key, this.ended(text, near, depth));
    return this.phrases.get(key);
  }

  ended(text, near, depth) {
    const same = this.lookup(text, near, depth);
    if (same !== null) return same;
    const last = FULL[text.at(-1)];
    if (last) {
      const without = this.lookup(text.slice(0, -1), near, depth);
      return without === null ? null : without + last;
    }
    const ended = this.lookup(`${text}.`, near, depth) ?? this.lookup(`${text}:`, near, depth);
    return ended === null ? null : ended.replace(ENDS, '');
  }

  /** A text of which each part between commas has a key; else null. */
  list(text, near, depth) {
    const parts = text.split(', ');
    if (parts.length < 2 || !isBalanced(text) || depth > DEEPEST) return null;
    const said = parts.map((part) => (isBalanced(part) ? this.phrase(part, near, depth + 1) ?? (WORDS.test(part) ? null : part) : null));
    return said.includes(null) ? null : said.join('，');
  }

  lookup(text, near, depth) {
    const exact = this.exact.get(text);
    if (exact !== undefined) return exact;
    if (ORDINAL.test(text)) return text.replace(ORDINAL, '第 $1');
    for (const pattern of near) {
      const slots = this.match(pattern, text, near, depth);
      if (slots) return pattern.value.map((piece, n) => (n % 2 ? slots.get(piece) ?? '' : piece)).join('');
    }
    return null;
  }

  /** Slot -> its words, translated; null if the text is no such one. Takes time in proportion to the text's length. */
  match({pieces, slots, quoted, weight}, text, near, depth) {
    if (!text.startsWith(pieces[0]) || !text.endsWith(pieces.at(-1))) return null;
    const found = new Map(), end = text.length - pieces.at(-1).length;
    let from = pieces[0].length;
    for (let n = 0; n < slots.length; n += 1) {
      const isLast = n === slots.length - 1;
      const to = isLast ? end : text.indexOf(pieces[n + 1], from + 1);
      if (to <= from || to > end) return null;
      const held = text.slice(from, to);
      if (held.includes('<br>')) return null;         // the next line is no part of this one
      const words = !quoted[n] ? this.slot(held, near, depth, weight) : /^[^“]*”/.test(held) ? null : held;
      if (words === null) return null;
      found.set(slots[n], words);
      from = to + (isLast ? 0 : pieces[n + 1].length);
    }
    return found;
  }

  /** What a slot caught: translated where it is a text of the table; null where it can't be one slot's, such as half a
   * sentence beside the one word of “{0} layer”. */
  slot(text, outer, depth, weight) {
    if (!WORDS.test(text)) return text;
    if (!isBalanced(text)) return null;
    const near = depth < DEEPEST ? this.near(text, outer) : [];
    const parts = partsOf(text);
    if (parts.length === 1) {
      const said = this.phrase(text, near, depth + 1) ?? this.list(text, near, depth + 1);
      if (said !== null) return said;
      const bare = text.replace(/“[^”]*”/g, '');
      return weight ? (PROSE.test(bare) && text.length > weight ? null : text) : (/[a-z]{3}/.test(bare) ? null : text);
    }
    const isOne = parts.every(({words}, n) => WORDS.test(words) && (n === parts.length - 1 || !/[.?!]$/.test(words)));
    const said = isOne && depth < DEEPEST && weight >= SHORT ? this.sentences(text, near, depth + 1) : {isWhole: false};
    return said.isWhole ? said.text : null;
  }
}
