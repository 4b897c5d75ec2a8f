// For the page's head: asks for the files of PATHS, a library and then texts, which shared_script.js will use. After
// file_address.js, once the page's configuration, which tells the address, has been read.

document.addEventListener('readystatechange', () => {
  for (const [n, file] of PATHS.entries()) {
    const attributes = n ? {as: 'fetch', crossOrigin: 'anonymous'} : {as: 'script', fetchPriority: 'low'};
    const link = Object.assign(document.createElement('link'), {rel: 'preload', href: address(file), ...attributes});
    document.head.append(link);
  }
}, {once: true});
