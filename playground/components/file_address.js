/** The server's own address, also under a sub-path or behind a proxy, without a slash at its end. */
function serverRoot() {
  const root = new URL(window.gradio_config?.root || '.', window.location.href);
  const base = root.hostname === window.location.hostname ? window.location.origin + root.pathname : root.href;
  return base.replace(/\/$/, '');
}
/** The address of a file that the server may send. */
function address(file) {
  return serverRoot() + '/gradio_api/file=' + encodeURI(file);
}
