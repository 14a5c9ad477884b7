// 95-main.js - puts the page together, reads the data, and handles the keys that work everywhere.

// --- the verdict -------------------------------------------------------------------------

function chip(kind, text, title) { return h('span', { class: `chip ${kind}`, title }, text); }
function verdicts() {
    const box = h('div', { class: 'verdicts' });
    const body = h('div', { class: 'scroll' });
    const all = h('details', { id: 'checks' }, h('summary', {}, 'All checks'), body);
    function draw() {
        const d = T.head, checks = d.lint.checks, failed = checks.filter(c => c.verdict === 'fail'), unknown = checks.filter(c => c.verdict === 'inconclusive');
        const lost = d.lost_events + d.lost_packets;
        box.replaceChildren(
            chip('', `${countText(d.events)} events`), chip('', secondsText(d.ns).slice(0, -6) + ' s'), chip('', `${d.cpus} vCPU${d.cpus === 1 ? '' : 's'}`),
            chip(lost || !d.complete ? 'bad' : 'good', lost ? `LOST ${countText(lost)}` : d.complete ? 'lost 0' : 'not complete'),
            chip(failed.length ? 'bad' : 'good', failed.length ? `lint: ${failed.map(c => c.check).join(', ')} FAIL` : `lint: ${checks.length - unknown.length} checks pass`),
            unknown.length ? chip('warn', `${unknown.length} inconclusive`) : '',
            auditChip(d), chip('', `KVM: ${d.flavour || 'not known'}, kernel in ring ${d.kernel_ring}`, 'Times of different hosts cannot be compared'),
            d.stopped ? '' : chip('warn', 'the machine had not stopped'));
        if (d.problem) box.append(h('p', { class: 'bad' }, d.problem));
        body.replaceChildren(table(['check', 'holds if', 'verdict', 'first findings'], checks.map(c => ({ attributes: { class: c.verdict },
            cells: [c.check, [c.holds, c.note ? ` (${c.note})` : ''], c.verdict, c.first.map(f => h('p', {}, f.event ? eventLink(f.event) : '', ` ${f.text}`))] }))));
        if (failed.length) all.open = true;
    }
    function auditChip(d) {
        if (d.audit === undefined || d.audit < 0) return chip('', 'audit: not run', 'vmm --audit=final compares the replayed tables with memory');
        return d.audit ? chip('bad', `audit: ${countText(d.audit)} violations`) : chip('good', 'audit: memory is what the events say');
    }
    onChange(changed => { if ('trace' in changed) draw(); });
    return section('verdict', 'Verdict', box, all);
}

// --- the moment --------------------------------------------------------------------------

function momentBar() {
    const slider = h('input', { type: 'range', id: 'slider', min: '0', value: '0', 'aria-label': 'Moment, by event' });
    const text = h('output', { class: 'mono', for: 'slider' }), time = h('span', { class: 'mono' });
    const play = button('▶ play', () => { playing = playing ? (clearInterval(playing), 0) : setInterval(step, 60); play.textContent = playing ? '■ stop' : '▶ play'; });
    let playing = 0;
    function step() {
        if (state.event >= T.n) play.click();
        else goTo(state.event + Math.max(1, Math.round(T.n / 1500)));
    }
    slider.addEventListener('input', () => goTo(Number(slider.value)));
    onChange(changed => {
        if ('trace' in changed) slider.max = T.n;
        if (!('event' in changed || 'events' in changed || 'quiz' in changed)) return;
        slider.value = state.event;
        const i = state.event;
        time.textContent = T.ready && i ? `${secondsText(T.ns[i])} s, event ${countText(i)}` : T.ready ? 'before the first event' : 'reading the events…';
        text.textContent = T.ready && i ? `${T.who(T.pid[i], i)} mm ${T.mm[i]} ${quiz.hides(i) ? '…?' : eventText(T, i)}` : '';
        slider.setAttribute('aria-valuetext', time.textContent);
    });
    return h('div', { class: 'moment' }, h('div', { class: 'tools' }, button('◀', () => goTo(state.event - 1), { 'aria-label': 'Event before' }), slider,
        button('▶', () => goTo(state.event + 1), { 'aria-label': 'Next event' }), play, time), text);
}

// --- theme, help -------------------------------------------------------------------------

function switchTheme() {
    const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    redraw();
}
const KEYS = [['← →', 'event before, next event'], ['Shift ← →', 'call before, next call'], ['[ ]', 'previous, next write of the selected entry'], ['/', 'filter events'],
    ['t', 'to the timeline, where: ↑ ↓ task, n p its waits, c v its calls, + − 0 zoom'], ['m', 'to the map of entries, where: arrows move, Enter shows the history'],
    ['q', 'ask a question'], ['d', 'dark or light'], ['?', 'this list']];
const help = h('dialog', { id: 'help', 'aria-label': 'Keys' }, h('h2', {}, 'Keys'), table(['key', 'does'], KEYS), button('Close', () => help.close()));
function stepCall(by) {
    const now = lastNotAbove(T.calls, state.event, c => c.event), c = T.calls[by > 0 ? now + 1 : T.calls[now] && T.calls[now].event < state.event ? now : now - 1];
    if (c) selectCall(c.number);
}
function onKey(event) {
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.ctrlKey || event.altKey || event.metaKey) return;
    const focus = selector => { const e = document.querySelector(selector); e.scrollIntoView({ block: 'center' }); e.focus({ preventScroll: true }); };
    const actions = { ArrowLeft: () => event.shiftKey ? stepCall(-1) : goTo(state.event - 1), ArrowRight: () => event.shiftKey ? stepCall(1) : goTo(state.event + 1),
        '[': () => showEntry.step && showEntry.step(-1), ']': () => showEntry.step && showEntry.step(1), '/': () => focus('#filter'), t: () => focus('#timeline canvas'),
        m: () => focus('#tables canvas'), q: () => { focus('#quiz'); document.querySelector('#quiz .tools button').click(); }, d: switchTheme, '?': () => help.showModal() };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
}

// --- two traces, one at a time -----------------------------------------------------------

const traces = [];
async function show(number) {
    T = traces[number];
    document.querySelectorAll('.tabs button').forEach((b, k) => b.setAttribute('aria-pressed', String(k === number)));
    for (const c of T.head.classes) EV[c.name] = c.id;
    document.getElementById('dir').textContent = T.head.dir;
    if (!T.waits) await T.loadStory();
    machine = new Replay(T);
    details.replaceChildren(h('p', {}, 'Choose a wait, a call or an entry in the pictures; here it says why, on whom and until what.'));
    change({ trace: number, event: 0, from: 0, to: T.head.ns || 1, pid: 0, mm: 0, table: 0, entry: null, call: 0, wait: null });
    await frame();
    document.documentElement.dataset.picture = String(Math.round(performance.now()));
    if (!T.ready) await T.loadEvents(frame);
    if (T !== traces[number]) return;
    change({ events: true, ...startOf(T) });
    await frame();
    document.documentElement.dataset.ready = String(Math.round(performance.now()));
}
const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
// Behind the first fork, or else the first other call that made a process: there the pictures have something
// to show.  PID 1's own comes last: it only starts what was asked for.
function startOf(t) {
    const births = t.calls.filter(c => c.child && t.lists.call_kind[c.kind] !== 'thread'), others = births.filter(c => c.pid !== 1);
    const birth = births.find(c => t.lists.call_kind[c.kind] === 'fork') || others[0] || births[0];
    if (!birth) return { event: t.n };
    const event = t.eventsOf('clone').find(i => i > birth.event && t.pid[i] === birth.pid) || birth.end_event;
    return { event, pid: birth.pid, mm: birth.mm };
}

// Paper is white, whatever the screen is; and who cannot zoom gets the tables.
function forPaper() {
    const root = document.documentElement, theme = root.dataset.theme;
    root.dataset.theme = 'light';
    document.querySelectorAll('details.as-table').forEach(d => { d.open = true; d.refill(); });
    redraw();
    window.addEventListener('afterprint', () => {
        if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
        redraw();
    }, { once: true });
}
function redraw() {
    readColours();
    change({ theme: document.documentElement.dataset.theme });
    flushChanges();
}

async function start() {
    const numbers = [...document.querySelectorAll('script[data-table="head"]')].map(e => Number(e.dataset.trace));
    for (const n of numbers) traces.push(new Trace(n));
    readColours();
    const main = document.getElementById('page');
    const tabs = traces.length > 1 ? h('div', { class: 'tabs', role: 'group', 'aria-label': 'Which trace' }, traces.map((t, k) => button(`${k + 1}: ${t.head.dir}`, () => show(k)))) : '';
    main.replaceChildren(
        h('header', {}, h('h1', {}, 'Forkscope ', h('span', { id: 'dir' })), h('nav', { 'aria-label': 'Parts of the page' },
            [['timeline', 'Timeline'], ['tables', 'Page tables'], ['pair', 'Side by side'], ['costs', 'Costs'], ['calls', 'Two calls'], ['events', 'Events'], ['quiz', 'Questions']]
                .map(([id, text]) => h('a', { href: `#${id}` }, text)), button('Keys', () => help.showModal()), button('Dark or light', switchTheme, { id: 'theme' }), button('Print', () => print()))), tabs,
        verdicts(), traces.length > 1 ? compareTraces(...traces) : '', momentBar(),
        h('div', { class: 'beside' }, h('div', {}, timeline.build()), details),
        tables.build(), pair.build(), costs.build(), twoCalls.build(), events.build(), quiz.build(), help);
    document.addEventListener('keydown', onKey);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
    window.addEventListener('resize', () => change({ theme: '' }));
    window.addEventListener('beforeprint', forPaper);
    await show(0);
}
// For questions on the browser's console: forkscope.line(461), forkscope.leaves(461, 2).
window.forkscope = {
    trace: () => T,
    line: event => lineText(T, event),
    leaves: (event, mm) => {
        const at = machine.n;
        machine.seek(event);
        const list = machine.leaves(mm).map(l => ({ va: addressText(l.va), level: T.lists.pt_level[l.level], entry: hex64(l) }));
        machine.seek(at);
        return list;
    },
};
start().catch(error => {
    document.getElementById('page').append(h('p', { class: 'bad', role: 'alert' }, `This page cannot be shown: ${error.message}`));
    throw error;
});
