"""Spares the browser work that grows with a page's events, by what the list of its events is made of. (Gradio 6.31)

- Svelte watches every plain array and object for changes, and Gradio asks of each component, of each event, whether it is
  one of its triggers: 214,000 questions at each visit, half a second through the watchers. The list never changes. An array
  of a class of its own is not watched.
- An event that has ended counts as a stream that was closed, so Gradio from then on sets the status of all its inputs at
  every step of every other event, and copies the values of each. Inputs that say they are nobody's input are left out;
  only a microphone's or a camera's would need that status.
- Gradio asks each event whether a component is one of its triggers, for each component, and searches the tree of
  components for each trigger to set arguments of its event, at a visit and whenever the event happens. Only an image editor
  uses the first answer, and no event here has such arguments. So triggers are named while the table of events is made from
  them, and to no other question: a fifth of a visit's work.
- The status of each output counts the seconds of its event 60 times each, though this page hides them, and the status of
  the loading screen counts on for as long as the page is open. No status counts: a page at rest is idle.
"""

LIGHT_EVENTS = """<script>{
  const nextFrame = window.requestAnimationFrame;
  const countsSeconds = (step) => {
    const source = step.length ? '' : String(step);
    return source.length < 100 && source.includes('(performance.now()-') && source.includes('/1e3');
  };
  window.requestAnimationFrame = (step) => countsSeconds(step) ? 0 : nextFrame.call(window, step);
  let listed = 0;   // walks through the list of events that are under way: Gradio makes its table of triggers
  class Unwatched extends Array {
    *[Symbol.iterator]() {
      listed += 1;
      try { for (let n = 0; n < this.length; n += 1) yield this[n]; } finally { listed -= 1; }
    }
  }
  class Inputs extends Array { includes() { return false; } }
  class Triggers extends Array {
    find() { return undefined; }
    map() { return []; }
    [Symbol.iterator]() { return (listed ? Array.from(this.keys(), (n) => this[n]) : [])[Symbol.iterator](); }
  }
  let config;
  Object.defineProperty(window, 'gradio_config', {
    configurable: true,
    get: () => config,
    set: (value) => {
      config = value;
      const events = config?.dependencies;
      if (!Array.isArray(events)) return;
      Object.setPrototypeOf(events, Unwatched.prototype);
      for (const { inputs, targets, event_specific_args } of events) {
        if (Array.isArray(inputs)) Object.setPrototypeOf(inputs, Inputs.prototype);
        if (Array.isArray(targets) && !event_specific_args?.length) Object.setPrototypeOf(targets, Triggers.prototype);
      }
    },
  });
}</script>"""
"""For the page's head, before its configuration."""
