/** The address of a file that the server may send, also under a sub-path or behind a proxy. */
function address(file) {
  const root = new URL(window.gradio_config?.root || '.', window.location.href);
  const base = root.hostname === window.location.hostname ? window.location.origin + root.pathname : root.href;
  return base.replace(/\/$/, '') + '/gradio_api/file=' + encodeURI(file);
}
