// Of the scripts that translate the page: the choice of a list, which Gradio shows as the value of an input and reads from there.
// The input shows the translation and gives the English name back, whoever asks it; while somebody types, it shows the English.

const CHOSEN = 'input[role="combobox"]';
const VALUE = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
const inputs = new WeakMap();     // input -> {english, shown, say}

function showChosen(input, say) {
  if (input.closest('.pg-choices-of-text')) return;
  const own = inputs.get(input) ?? {};
  own.say = say;
  if (!inputs.has(input)) {
    inputs.set(input, own);
    input.addEventListener('focus', () => { if (!input.readOnly && Object.hasOwn(input, 'value')) VALUE.set.call(input, input.value); });
    input.addEventListener('blur', () => { if (Object.hasOwn(input, 'value')) input.value = input.value; });
  }
  const english = input.value;
  Object.defineProperty(input, 'value', {
    configurable: true,
    get() {
      const now = VALUE.get.call(input);
      return now === own.shown ? own.english : now;
    },
    set(name) {
      own.english = String(name ?? '');
      own.shown = own.say(own.english);
      VALUE.set.call(input, own.shown);
    },
  });
  input.value = english;
}

/** The input is as it was: it shows what it gives. */
function hideChosen(input) {
  if (!inputs.has(input) || !Object.hasOwn(input, 'value')) return;
  const english = input.value;
  delete input.value;
  VALUE.set.call(input, english);
}
