// Which language the page speaks; for its head, before Gradio's scripts. Python says English; in any other language the scripts
// and the table at the addresses in FILES come, which English pages never ask for, and translate what the page draws.
//
// The address wins (?__language=en, zh or pseudo), then what was chosen here before, then the browser's first language.

window.__playgroundLanguage = (() => {
  const KEY = 'pg-language', TAGS = {en: 'en', zh: 'zh-CN', pseudo: 'en'}, NAMES = {en: 'English', zh: '中文'};
  const kept = () => { try { return localStorage.getItem(KEY); } catch (error) { return null; } };
  const browser = navigator.languages?.[0] ?? navigator.language ?? '';
  let current = [new URLSearchParams(location.search).get('__language'), kept(), /^zh\b/i.test(browser) ? 'zh' : 'en']
    .find((name) => Object.hasOwn(TAGS, name));
  let engine = null;            // a promise of page_translation.js
  // Gradio has words of its own in the browser's language: on this page it says English too, and one table translates all.
  Object.defineProperty(navigator, 'language', {configurable: true, get: () => 'en-US'});
  Object.defineProperty(navigator, 'languages', {configurable: true, get: () => ['en-US', 'en']});

  const at = (file) => new URL(file, document.baseURI).href;
  function load() {
    const script = new Promise((resolve, reject) => {
      const node = Object.assign(document.createElement('script'), {src: at(FILES.scripts), onerror: reject,
        onload: () => resolve(window.__playgroundTranslation)});
      document.head.append(node);
    });
    const table = current === 'pseudo' ? {} : fetch(at(FILES.zh)).then((answer) => answer.json());
    return Promise.all([script, table]).then(([made, entries]) => made(entries));
  }

  /** Makes the page speak the current language; a page that can't load the table stays English. */
  async function speak() {
    const language = current;
    document.documentElement.lang = TAGS[language];
    const other = language === 'en' ? 'zh' : 'en', button = document.getElementById('language');
    if (button) {
      button.textContent = NAMES[other];
      button.lang = TAGS[other];
    }
    if (language === 'en' && !engine) return;
    engine ??= load();
    try {
      const translation = await engine;
      if (language === current) translation.speak(language);
    } catch (error) {
      console.warn('language:', error);
      engine = null;
    }
    for (const redraw of window.__playgroundPlots?.views.values() ?? []) redraw();
  }

  let ready = speak();
  return {
    /** Resolves when what is drawn next is drawn in the page's language. */
    ready: () => ready,
    current: () => current,
    /** Once Gradio has built the page: its button says the other language's name. */
    built: () => { ready = speak(); },
    toggle() {
      current = current === 'en' ? 'zh' : 'en';
      try { localStorage.setItem(KEY, current); } catch (error) { /* this page alone */ }
      ready = speak();
    },
    /** A figure in the page's language; it is changed. page_translation.js replaces these three. */
    figure: (figure) => figure,
    /** The text of an element of the page, and its markup, in English. */
    english: (element) => element.textContent,
    markup: (element) => element.innerHTML,
    /** The tab of an English title in a bar of tabs, whatever it is called on the page; undefined before it is there. */
    tab: (bar, title) => [...document.querySelectorAll(`#${bar} > .tab-wrapper [role=tab]`)]
      .find((tab) => window.__playgroundLanguage.english(tab).trim() === title),
    /** Clicks that tab, unless it is open: that would draw it again. */
    open(bar, title) {
      const tab = window.__playgroundLanguage.tab(bar, title);
      if (tab?.ariaSelected !== 'true') tab?.click();
    },
  };
})();
