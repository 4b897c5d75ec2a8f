// The start of a component's script in the browser: fetches its scripts once a page, whatever the number of components, and
// runs them as the body of a function (fetched, address, LIBRARIES, element, trigger, props, watch). shared_script.py puts
// NAME, STYLES, SCRIPTS, LIBRARIES and file_address.js in front; Gradio runs the whole as the body of a function (element, trigger, …).

async function fetched(file) {
  const answer = await fetch(address(file));
  if (!answer.ok) throw new Error(file.split('/').pop() + ' is missing');
  return answer.text();
}

const shared = (window.__playgroundTexts ??= {});

/** The text of a script or a style sheet, which several kinds of components may use: fetched once, again after a failure. */
function sharedText(file) {
  return (shared[file] ??= fetched(file).catch((error) => {
    delete shared[file];
    throw error;
  }));
}

const scripts = (window.__playgroundScripts ??= {});
scripts[NAME] ??= Promise.all([...STYLES, ...SCRIPTS].map(sharedText)).then((texts) => {
  const style = document.createElement('style');
  style.textContent = texts.splice(0, STYLES.length).join('\n');
  document.head.append(style);
  const names = ['fetched', 'address', 'LIBRARIES', 'element', 'trigger', 'props', 'watch'];
  return new Function(...names, ["'use strict';", ...texts].join('\n'));
});
scripts[NAME].then((run) => run(fetched, address, LIBRARIES, element, trigger, props, watch), (error) => {
  delete scripts[NAME];   // the next component tries again
  console.warn(NAME, error);
  const note = document.createElement('p');
  note.textContent = 'This part of the page did not load. Reload the page.';
  element.append(note);
});
