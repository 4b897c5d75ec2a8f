"""Spares the browser work that grows with a page's events, by what the list of its events is made of. (Gradio 6.31)

- Svelte watches every plain array and object for changes, and Gradio asks of each component, of each event, whether it is
  one of its triggers: 214,000 questions at each visit, half a second through the watchers. The list never changes. An array
  of a class of its own is not watched.
- An event that has ended counts as a stream that was closed, so Gradio from then on sets the status of all its inputs at
  every step of every other event, and copies the values of each. Inputs that say they are nobody's input are left out;
  only a microphone's or a camera's would need that status.
"""

LIGHT_EVENTS = """<script>{
  class Unwatched extends Array {}
  class Inputs extends Array { includes() { return false; } }
  let config;
  Object.defineProperty(window, 'gradio_config', {
    configurable: true,
    get: () => config,
    set: (value) => {
      config = value;
      const events = config?.dependencies;
      if (!Array.isArray(events)) return;
      Object.setPrototypeOf(events, Unwatched.prototype);
      for (const { inputs } of events) if (Array.isArray(inputs)) Object.setPrototypeOf(inputs, Inputs.prototype);
    },
  });
}</script>"""
"""For the page's head, before its configuration."""
