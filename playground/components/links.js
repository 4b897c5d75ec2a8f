// The address of the page is a link to what it shows, kept current behind the #, where no server sees it. Python makes the
// part that only it knows (links/address.py: model, text, edits) and reads addresses; here the rest is added, and what
// Python read is set.
//
// CONFIG, from tabs/shared/links.py: model, base and text, the server's own; tab, the first; titles of tabs and of tab/view;
// fixed: the first FIXED of `values`; views: [[tab, its first view], …]; controls: [[key, default, element, whether its choices
// follow the model, place of the checkbox that links it or -1, longest text or 0], …].
// `values`: base, check, active, layer, head, kind, chosen, token, an open view a tab with views, controls; at first those
// of the page as built. To find a component, Gradio walks through the page: a change writes its view's values alone, and
// `place` sets only what differs.

window.__playgroundLinks = (() => {
  const FIXED = 8, WAIT = 250;   // ms: browsers refuse addresses that change too often
  const SAME = {__type__: 'update'};   // to Gradio: leave this as it is
  let config = null, timer = 0, goal = null, place = null, pending = null, applied = null;
  let values = [], baseline = [], left = [], tokenOf = null, lastToken = null;
  let acted = false;             // whether the visitor did something since
  const touched = new Set();

  const same = (one, other) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
  const escaped = (value) => encodeURIComponent(String(value).toWellFormed?.() ?? value).replace(/%20/g, '+')
    .replace(/%(2C|3A|2F)/g, decodeURIComponent).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
  const written = (value) => typeof value === 'string' ? value : JSON.stringify(value ?? null);
  const own = () => values.slice(FIXED + config.views.length);

  function carried() {
    const controls = own();
    left = [];
    return config.controls.flatMap(([key, , element, follows, linked, longest], n) => {
      const value = controls[n];
      const moves = follows || longest > 0;   // by itself, with the model or the text
      if (same(value, baseline[n]) || (moves && !touched.has(element)) || (linked >= 0 && controls[linked])) return [];
      if (longest && typeof value === 'string' && value.length > longest) { left.push(key); return []; }
      return [[key, written(value)]];
    });
  }

  function compose(whole, checked = true) {
    const [base, check, active, layer, head, kind, chosen, token] = values;
    const view = values[FIXED + config.views.findIndex(([tab]) => tab === active)];
    const first = config.views.find(([tab]) => tab === active)?.[1];
    const kept = check ? JSON.parse(check) : {};
    const pairs = [];
    if (active !== config.tab) pairs.push(['tab', active]);
    if (first && view !== first) pairs.push(['view', view]);
    if (chosen) pairs.push(['layer', layer], ['head', head], ...(kind === 'self' ? [] : [['kind', kind]]));
    if (token !== null && token !== undefined && tokenOf === base) pairs.push(['token', token]);
    pairs.push(...carried());
    if (!whole && !pairs.length && base === config.base) return '';
    const last = document.body.classList.contains('dark') ? [['theme', 'dark']] : [];
    const of = checked && kept.of === base ? Object.entries(kept.says) : [];
    return ['v=1', base, ...[...of, ...pairs, ...last].map(([key, value]) => key + '=' + escaped(value))].join('&');
  }

  // Another model, text, edit, tab or view: a step that Back takes back.
  function placeOf() {
    const view = values[FIXED + config.views.findIndex(([tab]) => tab === values[2])];
    return JSON.stringify([values[0], values[2], view]);
  }

  function flush() {
    clearTimeout(timer);
    if (goal !== null || !config || !values[0]) return;
    const fragment = compose(false), now = placeOf(), step = acted && place !== null && now !== place;
    place = now;
    dispatchEvent(new Event('pg-visit'));
    if (fragment === location.hash.slice(1)) return;
    const address = fragment ? '#' + fragment : location.pathname + location.search;
    try {
      if (step) history.pushState(null, '', address); else history.replaceState(history.state, '', address);
    } catch (error) { console.warn('The address could not be kept current:', error); }
    const field = document.querySelector('#link-address');
    if (field) [field.value, document.querySelector('#link-qr').hidden] = [whole(), true];
  }

  function whole() {
    return location.origin + location.pathname + '#' + compose(true);
  }

  function open() {
    if (!config) return;
    goal = location.hash.slice(1);
    acted = false;               // what a link sets, however late, is no step of the visitor's
    clearTimeout(timer);
    document.querySelector('#link-restore')?.click();
  }

  // Whether this was read of an address that the visitor left again.
  const isStale = (read) => goal === null || JSON.parse(read).address !== goal;

  // Controls that move by themselves, with the model or the text, are carried once a visitor chose in them, or clicked on a
  // picture in their view.
  function touch({target}) {
    for (let node = target; node instanceof Element; node = node.parentElement) if (node.id) touched.add(node.id);
    if (target.closest?.('#cancel-load, #load, #model')) goal = null;
    if (target.closest?.('#toggle-theme')) setTimeout(flush, WAIT);
    const panel = target.closest?.('.pv') && target.closest('[role=tabpanel]');
    if (panel) config?.controls.forEach(([, , id]) => panel.querySelector('#' + CSS.escape(id)) && touched.add(id));
  }
  for (const event of ['pointerdown', 'focusin']) document.addEventListener(event, touch, true);
  for (const event of ['pointerdown', 'keydown']) document.addEventListener(event, () => { acted = true; }, true);
  addEventListener('popstate', open);

  return {
    configure(settings) {
      config = settings;
      baseline = config.controls.map(([, initial]) => initial);
      const built = [...config.fixed, ...config.views.map(([, first]) => first), ...baseline];
      built.forEach((value, n) => { if (!(n in values)) values[n] = value; });
    },
    /** What stands behind the # when the page opens. */
    opening() {
      const fragment = location.hash.slice(1);
      if (fragment) goal = fragment;
      return fragment;
    },
    /** Latest values, of the places in `values`. */
    write(places, ...latest) {
      places.forEach((place, n) => { values[place] = latest[n]; });
      if (values[7] !== lastToken) [lastToken, tokenOf] = [values[7], values[0]];
      clearTimeout(timer);
      timer = setTimeout(flush, WAIT);
    },
    /** The values of text, tab, layer, head, kind, chosen, token, views and controls that the server read from an address. */
    place(read, text) {
      const now = [text, ...values.slice(2)];
      if (isStale(read)) return now.map(() => SAME);
      const {fixed, views, controls, loads, theme} = JSON.parse(read);
      touched.clear();
      pending = loads ? controls : null;
      if (theme) document.body.classList.add(theme);
      const placed = config.controls.map(([key, , element, follows], n) => {
        if (!(key in controls)) return follows ? now[fixed.length + views.length + n] : baseline[n];
        touched.add(element);
        return controls[key];
      });
      return [...fixed, ...views, ...placed].map((value, n) => same(value, now[n]) ? SAME : value);
    },
    /** The inputs of the server's last step, the last of them what was read; empty if the visitor left that address. */
    current(...inputs) {
      if (isStale(inputs.at(-1))) return [...inputs.slice(0, -1), ''];
      applied = inputs.at(-1);
      return inputs;
    },
    /** Opens the tabs as soon as they are there, before the server has anything drawn in them. */
    async show(read) {
      const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      const titled = ([bar, title]) => window.__playgroundLanguage?.tab(bar, title);
      for (const place of JSON.parse(read).titles) {
        for (let times = 40; times && !titled(place); times -= 1) await pause(50);
        if (isStale(read) || titled(place)?.ariaSelected !== 'false') continue;
        titled(place).click();
        await pause(100);
      }
      return [];
    },
    /** After another model's own rules (JSON by name, '' for none): what the link says of them. */
    again(keys, own, ...now) {
      const said = pending ?? {}, models = own ? JSON.parse(own) : {};
      pending = null;
      timer = clearTimeout(timer) ?? setTimeout(flush, WAIT);
      return Object.entries(keys).map(([name, key], n) => {
        const at = config?.controls.findIndex(([other]) => other === key) ?? -1;
        if (at >= 0) baseline[at] = models[name] ?? config.controls[at][1];
        return said[key] ?? now[n];
      });
    },
    /** The page shows what was read, unless the visitor went on to another address meanwhile. Then the steps of the former
        one end here too, and `read` is the later one's, which is still being opened. */
    settled(read, base) {
      const isHere = !isStale(read) && read === applied;
      this.write([]);
      if (isHere) [goal, place, lastToken, tokenOf] = [null, placeOf(), values[7], base];
    },
    /** For the history of a visit; `same`: the address without its numbers. */
    visit: () => config && values[0] && {config, values, place: placeOf(), address: compose(true), same: compose(true, false),
      token: tokenOf === values[0] ? values[7] : null},
    /** The address with all that it can say, and the names of what is too long for it. */
    address() {
      if (config && values[0]) flush();
      return config && values[0] ? [whole(), left.join(', ')] : [location.href, ''];
    },
  };
})();
