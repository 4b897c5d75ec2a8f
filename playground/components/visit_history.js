// What was looked at in this visit, the latest first, each entry a link that brings it back. The list lies in this page's memory
// alone. Knows the entries of links.js:visit, which says “pg-visit” whenever the address may have changed; knows no models.
//
// shared_script.js runs this with short_text.js as the body of a function (…, element, trigger, props, watch). props.words:
// texts/pins.py. Every text becomes a text node.

const WORDS = props.words;
const MOST = 60;              // entries
const PASSING = 3000;         // ms: a head or a setting that was left sooner makes place for the next one of the same view
const room = element.querySelector('.visits'), list = room.querySelector('ol');
const entries = [];           // {address, same, place, parts, at}, the latest first

/** A text that links/packing.py deflated. */
async function unpacked(characters) {
  const bytes = Uint8Array.from(atob(characters.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'))).text();
}

/** The words of an entry: place, head, token, text, model. */
async function partsOf({config, values, token}) {
  const [base, , tab, layer, head, , chosen] = values, {titles, views, fixed} = config;
  const view = values[fixed.length + views.findIndex(([name]) => name === tab)];
  const keys = new URLSearchParams(base), packed = keys.get('text.z');
  const text = packed ? await unpacked(packed).catch(() => '') : keys.get('text') ?? config.text;
  return [[titles[tab], titles[`${tab}/${view}`]].filter(Boolean).join(' · '), chosen ? fill(WORDS.layer, {layer, head}) : '',
    Number.isInteger(token) ? fill(WORDS.token, {token}) : '', quoted(text), keys.get('model') ?? config.model,
    [...keys.keys()].some((key) => key.startsWith('edit.')) ? WORDS.edited : ''];
}

async function note() {
  const seen = window.__playgroundLinks.visit(), at = Date.now();
  if (!seen) return;
  const parts = await partsOf(seen);
  const former = entries.findIndex((entry) => entry.same === seen.same);
  const passed = entries[0]?.place === seen.place && at - entries[0].at < PASSING;
  if (former >= 0) entries.splice(former, 1);
  else if (passed) entries.shift();
  entries.unshift({address: seen.address, same: seen.same, place: seen.place, at, parts});
  entries.splice(MOST);
  if (!room.hidden) show();
}

function show() {
  list.replaceChildren(...entries.map(({address, parts, at}, n) => {
    const item = document.createElement('li'), link = document.createElement('a'), time = document.createElement('time');
    link.href = `#${address}`;
    link.dir = 'auto';
    parts.filter(Boolean).forEach((words, place) => {
      const part = document.createElement(place ? 'span' : 'strong');
      part.textContent = words;
      link.append(part);
    });
    if (!n) link.ariaCurrent = 'page';
    time.textContent = n ? new Date(at).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'}) : WORDS.now;
    item.append(link, time);
    return item;
  }));
}

let notes = Promise.resolve();
const queue = () => { notes = notes.then(note).catch((error) => console.warn('history:', error)); };
window.addEventListener('pg-visit', queue);
queue();
room.querySelector('.visits-close').addEventListener('click', () => window.__playgroundVisits.toggle());
window.__playgroundVisits = {
  /** Shows the list, or takes it away. */
  toggle() {
    room.hidden = !room.hidden;
    element.closest('.block')?.toggleAttribute('data-empty', room.hidden);
    if (!room.hidden) { show(); list.querySelector('a')?.focus(); }
  },
};
element.closest('.block')?.toggleAttribute('data-empty', true);
