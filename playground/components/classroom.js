// A class on one server: the teacher's page tells what it shows, pupils' pages follow. Both hear from the server by one stream
// of events (classroom/events.py). What a pupil's page follows is the teacher's address, which it opens as Back does
// (links.js), and the step of the lesson, for which it presses a hidden button (tabs/classroom/).

window.__playgroundClass = (() => {
  const TICK = 300;              // ms between two looks at the address
  const OFTEN = 400;             // ms at least between two drawings of the answers
  const KEEP = {secret: 'pg-teacher', pupil: 'pg-pupil'};
  let role = '', secret = '', own = '', follows = true, stream = null;
  let latest = null, opened = null, entered = null, due = 0;         // a pupil's
  let lesson = ['', 0], told = null, telling = false, drawing = 0;   // the teacher's

  const kept = (name) => { try { return sessionStorage.getItem(KEEP[name]) ?? ''; } catch (error) { return ''; } };
  const keep = (name, value) => { try { sessionStorage.setItem(KEEP[name], value); return true; } catch (error) { return false; } };
  function pupil() {
    own ||= kept('pupil') || Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(36)).join('');
    keep('pupil', own);
    return own;
  }
  const press = (id) => document.querySelector('#' + id)?.click();
  const isReady = () => Boolean(document.querySelector('#card dl'));   // the first model is there

  // A browser has six connections to a server, of which Gradio keeps one a page; so a page that nobody looks at has none.
  function connect() {
    if (stream?.readyState === EventSource.CLOSED) stream = null;
    if (stream || document.hidden) return;
    const query = role === 'teacher' ? '?teacher=' + encodeURIComponent(secret) : '';
    stream = new EventSource(serverRoot() + '/classroom/events' + query);
    stream.onopen = () => document.body.classList.remove('pg-class-lost');
    stream.onerror = () => {
      document.body.classList.add('pg-class-lost');
      if (stream?.readyState === EventSource.CLOSED) setTimeout(connect, 5000);   // refused: the class is full
    };
    stream.onmessage = ({data}) => {
      latest = JSON.parse(data);
      if (role === 'teacher') draw(); else follow();
    };
  }

  document.addEventListener('visibilitychange', () => {
    if (!role) return;
    if (!document.hidden) { connect(); return; }
    stream?.close();
    stream = null;
  });

  // --- pupils

  function follow() {
    clearTimeout(due);
    if (!follows || !latest) return;
    if (!isReady()) { due = setTimeout(follow, TICK); return; }
    if (latest.address !== opened) {
      opened = latest.address;
      const here = location.pathname + location.search;
      history.replaceState(history.state, '', opened ? '#' + opened : here);
      dispatchEvent(new PopStateEvent('popstate'));
    }
    const step = JSON.stringify([latest.lesson, latest.step, latest.revealed]);
    if (step !== entered) {
      entered = step;
      press('class-step');
    }
  }

  // --- the teacher

  function draw() {
    if (drawing) return;
    drawing = setTimeout(() => { drawing = 0; press('class-draw'); }, OFTEN / 2);
  }

  // What stands behind the #, without what is said of the numbers: pupils read the same server's.
  const shown = () => location.hash.slice(1).split('&').filter((pair) => !/^(check|weights|theme)=/.test(pair)).join('&');

  async function tell() {
    const said = {address: shown(), lesson: lesson[0], step: lesson[1]};
    const now = JSON.stringify(said);
    if (telling || now === told || !isReady()) return;
    telling = true;
    try {
      const answer = await fetch(serverRoot() + '/classroom/view', {method: 'POST', body: JSON.stringify({...said, secret})});
      document.body.classList.toggle('pg-class-long', answer.status === 400);
      if (answer.ok || answer.status === 400) told = now;
    } catch (error) { /* the server is out of reach; the next tick tries again */ } finally { telling = false; }
  }

  return {
    /** The teacher's secret, of the address or kept by this browser tab, and what a pupil's tab calls itself. The secret
        leaves the address bar, which a projector shows. */
    start() {
      const place = new URL(location.href), said = place.searchParams.get('teacher');
      secret = said ?? kept('secret');
      if (said !== null && keep('secret', said)) {
        place.searchParams.delete('teacher');
        history.replaceState(history.state, '', place);
      }
      return [secret, secret ? '' : pupil(), location.origin + location.pathname];
    },
    /** "teacher" or "pupil", as the server found; gives what a pupil's tab calls itself. */
    enter(as) {
      if (as && !role) {
        role = as;
        document.body.classList.add('pg-class-' + role);
        if (role === 'teacher') setInterval(tell, TICK); else keep('secret', '');
        connect();
      }
      return role === 'teacher' ? '' : pupil();
    },
    /** Of the teacher's page: the lesson's progress, as its panel keeps it. */
    course(progress) {
      let plain = {};
      try { plain = JSON.parse(progress); } catch (error) { /* none yet */ }
      lesson = plain.open && plain.lesson ? [plain.lesson, plain.steps?.[plain.lesson] ?? 0] : ['', 0];
    },
    /** The switch of a pupil's page. */
    follows(on) {
      follows = on;
      document.body.classList.toggle('pg-class-roams', !on);
      [opened, entered] = [null, null];
      if (on) follow();
    },
    /** Saves what the server wrote. */
    save(text, name) {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([text], {type: 'text/csv;charset=utf-8'}));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    },
  };
})();
