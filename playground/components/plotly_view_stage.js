// Of the scripts of PlotlyView: one picture on the whole screen, with its sentence, and the way from picture to picture by
// keys: the arrows, PageUp and PageDown, as a presenter's remote control sends them. One stage for all views of the page.
// Knows tabs by their roles, the sentence by its class pg-note. Pinned pictures lead to one another alone. See
// plotly_view_theme.js.

const frame = element.querySelector('.pv-frame');
(shared.parts ??= new Map()).set(element, {frame, tools, isBlank: () => !bound && frame.hasAttribute('data-answered'),
  name: () => box.getAttribute('aria-label') || '', source: sourceOf, pin: props.pin});

shared.stage ??= (() => {
  const {parts} = shared;
  const LARGER = 1.6;       // the type of a picture; less on a screen with less room than a projector's
  const PATIENCE = 2000;    // ms until a view that was opened counts as one without pictures
  let dialog = null, view = null, gap = null, native = false, going = false, due = 0;
  const said = {place: '', words: ''};
  const part = (name) => dialog.querySelector(`.pv-stage-${name}`);
  const inSight = (node) => node.isConnected && node.getClientRects().length > 0;
  const later = (a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1);
  const pinned = (v) => parts.get(v)?.pin;
  const pictures = () => [...parts.keys()].filter((v) => inSight(v) && !parts.get(v).isBlank() &&
    Boolean(pinned(v)) === Boolean(pinned(view))).sort(later);
  const tabLists = () => [...document.querySelectorAll('[role="tablist"]')].filter(inSight).sort(later);
  const tabsOf = (list) => [...list.querySelectorAll('[role="tab"]:not([aria-disabled="true"])')];
  const chosen = (tabs) => tabs.findIndex((tab) => tab.ariaSelected === 'true' || tab.getAttribute('aria-selected') === 'true');
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  function build() {
    dialog = document.createElement('dialog');
    dialog.className = 'pv-stage';
    dialog.ariaLabel = 'Full screen';
    dialog.innerHTML = '<div class="pv-stage-top"><p class="pv-stage-place"></p>' +
      '<button type="button" data-go="close" aria-label="Close full screen">✕ <kbd>Esc</kbd></button></div>' +
      '<div class="pv-stage-picture"></div><p class="pv-stage-words" aria-live="polite"></p>' +
      '<div class="pv-stage-bar"><button type="button" data-go="back">← Back</button>' +
      '<button type="button" data-go="next" autofocus>Next →</button></div>';
    (document.querySelector('.gradio-container') || document.body).append(dialog);
    dialog.addEventListener('click', (event) => {
      const go = event.target.closest('[data-go]')?.dataset.go;
      if (go === 'close') close();
      else if (go) move(go === 'next' ? 1 : -1);
    });
    dialog.addEventListener('cancel', (event) => { event.preventDefault(); close(); });
    document.addEventListener('keydown', (event) => {
      if (!dialog.open || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select')) return;
      const way = {PageDown: 1, ArrowRight: 1, ArrowDown: 1, PageUp: -1, ArrowLeft: -1, ArrowUp: -1}[event.key];
      if (event.defaultPrevented || !way) return;      // the picture's own cursor took it
      event.preventDefault();
      move(way);
    });
    const fit = () => dialog.style.setProperty('--pv-stage-scale', Math.max(1, Math.min(LARGER, innerWidth / 800)).toFixed(3));
    window.addEventListener('resize', fit);
    fit();
    // The browser keeps the Esc that ends its own full screen.
    document.addEventListener('fullscreenchange', () => { if (native && !document.fullscreenElement) close(); });
    new MutationObserver(() => { if (view) due ||= requestAnimationFrame(caption); }).observe(
      document.querySelector('.gradio-container') || document.body, {subtree: true, childList: true});
  }

  /** The sentence of a picture: the next one before another picture, or else the one before it; or its description. */
  function sentenceOf(picture, textOf = (node) => node.innerText) {
    if (pinned(picture)) return pinned(picture).words;
    const room = picture.closest('[role="tabpanel"]') || document.body;
    const marks = [...room.querySelectorAll('.pg-note')].filter((note) => inSight(note) && note.textContent.trim());
    const row = [...marks, ...[...parts.keys()].filter((v) => room.contains(v) && inSight(v))].sort(later);
    const at = row.indexOf(picture);
    const near = [row[at + 1], row[at - 1]].find((node) => node && !parts.has(node));
    return near ? textOf(near).trim() : parts.get(picture).name();
  }

  function caption() {
    due = 0;
    if (!view) return;
    if (!view.isConnected) { close(); return; }
    const bars = view.closest('[role="tabpanel"]') ? tabLists() : [];    // a picture above the tabs is none of theirs
    const names = bars.map((list) => tabsOf(list)).map((tabs) => tabs[chosen(tabs)]?.textContent.trim()).filter(Boolean);
    const all = pictures(), count = all.length > 1 ? `${all.indexOf(view) + 1} of ${all.length}` : '';
    const place = [pinned(view)?.line ?? names.join(' · '), count].filter(Boolean).join(' · ');
    const sentence = sentenceOf(view);
    if (said.place !== place) part('place').textContent = said.place = place;      // the page may show it in another language
    if (said.words !== sentence) part('words').textContent = said.words = sentence;
    for (const way of [1, -1]) part('bar').querySelector(way > 0 ? '[data-go="next"]' : '[data-go="back"]').disabled = !ahead(way);
  }

  /** Brings the picture back to its place in the page. */
  function putBack() {
    if (!view) return;
    const {frame: picture, tools: row} = parts.get(view) || {};
    if (picture) gap.replaceWith(picture, row);
    view = gap = null;
  }

  function put(picture) {
    putBack();
    const {frame: node, tools: row} = parts.get(picture);
    gap = document.createElement('div');
    gap.style.height = `${node.offsetHeight + row.offsetHeight}px`;
    node.before(gap);
    view = picture;
    part('picture').append(node);
    part('bar').lastElementChild.before(row);
    caption();
  }

  async function show(picture) {
    if (!dialog) build();
    if (!dialog.open) {
      // Of two layers on top the later one covers the other: first the browser's full screen, then the dialog.
      native = Boolean(navigator.userActivation?.isActive && document.documentElement.requestFullscreen) && await Promise.race(
        [document.documentElement.requestFullscreen().then(() => true, () => false), pause(400).then(() => false)]);
      dialog.showModal();
      document.documentElement.classList.add('pv-staged');
    }
    put(picture);
  }

  function close() {
    if (!dialog?.open) return;
    const host = view;
    putBack();
    dialog.close();
    document.documentElement.classList.remove('pv-staged');
    if (native && document.fullscreenElement) document.exitFullscreen().catch(() => {});
    native = false;
    host?.scrollIntoView({block: 'nearest'});
    host && parts.get(host)?.tools.querySelector('[data-tool="full"]').focus();
  }

  /** Whether there is a picture, a view or a tab in that direction (1 or -1). */
  function ahead(way) {
    const all = pictures(), at = all.indexOf(view) + way;
    return (at >= 0 && at < all.length) || !pinned(view) && tabLists().some((list) => tabsOf(list)[chosen(tabsOf(list)) + way]);
  }

  /** The next or former picture: of the view that is open, else of the next view or tab that has one. */
  async function move(way) {
    if (going) return;
    going = true;
    try {
      let all = pictures();
      let at = all.indexOf(view) + way;
      while (at < 0 || at >= all.length) {
        if (pinned(view)) return;
        const more = await openView(way);
        all = pictures();
        if (!more) { if (!view) close(); return; }
        at = way > 0 ? 0 : all.length - 1;
      }
      put(all[at]);
    } finally {
      going = false;
    }
  }

  /** Opens the next or former view, or else tab; of a tab the first or last view. False at the end of the page. */
  async function openView(way) {
    const lists = tabLists().reverse();
    const list = lists.find((one) => tabsOf(one)[chosen(tabsOf(one)) + way]);
    if (!list) return false;
    putBack();
    tabsOf(list)[chosen(tabsOf(list)) + way].click();
    await pause(50);
    for (const inner of tabLists()) {
      if (lists.includes(inner)) continue;
      const tabs = tabsOf(inner);
      tabs[way > 0 ? 0 : tabs.length - 1].click();
    }
    for (let waited = 0; waited < PATIENCE && !pictures().length; waited += 50) await pause(50);
    return true;
  }

  return {
    show,
    sentenceOf,
    isOpen: () => Boolean(dialog?.open),
    /** The first picture in sight, or of the next view that has one. */
    present: async () => {
      for (let waited = 0; waited < PATIENCE && !pictures().length; waited += 50) await pause(50);
      if (pictures().length) await show(pictures()[0]);
    },
  };
})();
if (!shared.presented && new URLSearchParams(window.location.search).has('present')) {
  shared.presented = true;
  setTimeout(() => shared.stage.present(), 0);
}
