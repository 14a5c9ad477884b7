// 80-events.js - the events, a line each, as vmm-trace prints them; filtered.

const events = (() => {
    const LINE = 18, SHOWN = 24, MOST = 8e6;    // pixels that a scrolled element may be high
    const filter = h('input', { type: 'search', id: 'filter', placeholder: 'pid=3 mm=4 event=pte_write reason=cow_break va=0x400000-0x500000 level=PTE call=14', 'aria-label': 'Filter' });
    const kinds = h('select', { 'aria-label': 'Kind of event' }), reasons = h('select', { 'aria-label': 'Reason' });
    const note = h('p', { class: 'note', role: 'status' });
    const space = h('div', { class: 'space' }), lines = h('div', { class: 'lines', role: 'listbox', 'aria-label': 'Events' });
    const view = h('div', { class: 'list', tabindex: '0' }, space, lines);
    let found = null, wrong = '', timer = 0;

    // One test for each word of the filter.
    function parse(text) {
        const tests = [];
        wrong = '';
        for (const word of text.trim().split(/\s+/).filter(w => w)) {
            const [key, value] = word.includes('=') ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] : ['text', word];
            const test = testOf(key, value);
            if (test) tests.push(test); else wrong = `'${word}' is no filter: pid, mm, cpu, event, reason, level, call, va, or some text`;
        }
        return tests;
    }
    function numbers(value) { return new Set(value.split(',').map(Number)); }
    function testOf(key, value) {
        const names = value.split(',');
        switch (key) {
        case 'pid': { const n = numbers(value); return i => n.has(T.pid[i]) || namesTask(i, n); }
        case 'mm': { const n = numbers(value); return i => n.has(T.mm[i]); }
        case 'cpu': { const n = numbers(value); return i => n.has(T.cpu[i]); }
        case 'call': { const n = numbers(value); return i => n.has(T.call[i]); }
        case 'event': { const ids = new Set(names.map(n => EV[n])); return ids.has(undefined) ? null : i => ids.has(T.id[i]); }
        case 'level': { const l = new Set(names.map(n => T.lists.pt_level.indexOf(n))); return l.has(-1) ? null : i => l.has(T.level[i]); }
        case 'reason': return reasonTest(names);
        case 'va': return addressTest(value);
        case 'text': return value ? i => lineText(T, i).includes(value) : null;
        }
        return null;
    }
    const TASK_FIELDS = ['child', 'parent', 'task', 'to', 'prev_pid', 'next_pid', 'on_pid', 'by_pid'];
    function namesTask(i, pids) {
        const own = TASK_FIELDS.filter(f => T.classes[T.id[i]].fields.some(x => x.name === f));
        return own.some(f => pids.has(T.field(i, f)));
    }
    function reasonTest(names) {
        const entry = new Set(names.map(n => T.lists.pt_reason.indexOf(n)).filter(n => n >= 0));
        const block = new Set(names.map(n => T.lists.block_reason.indexOf(n)).filter(n => n >= 0));
        if (!entry.size && !block.size) return null;
        return i => T.isPt(i) ? entry.has(T.reason[i]) :
            T.id[i] === EV.task_state ? block.has(T.field(i, 'reason')) : (T.id[i] === EV.table_alloc || T.id[i] === EV.table_free) && entry.has(T.field(i, 'reason'));
    }
    function addressTest(value) {
        const [from, to] = value.split('-').map(v => { try { return Number(BigInt(v) & 0xffffffffffffn); } catch (e) { return NaN; } });
        const end = to === undefined ? from + 1 : to;
        if (!(from < end)) return null;
        return i => T.level[i] ? T.va[i] < end && T.va[i] + (T.isPt(i) ? T.len[i] : 512) * spanOf(T.level[i]) > from :
            T.id[i] === EV.page_fault && T.va[i] >= from && T.va[i] < end;
    }

    // In slices, since some text may have to be made of a million events; a newer filter ends an older one.
    const SLICE = 100000;
    let turn = 0;
    async function apply() {
        if (!T.ready) return;
        const tests = parse(filter.value), trace = T, out = new Uint32Array(T.n), mine = ++turn;
        let n = 0;
        for (let i = 1; i <= T.n && !wrong; i++) {
            let keep = true;
            for (let k = 0; k < tests.length && keep; k++) keep = tests[k](i);
            if (keep) out[n++] = i;
            if (i % SLICE === 0) {
                note.textContent = `looking… ${Math.round(100 * i / T.n)} %`;
                await new Promise(done => setTimeout(done));
                if (mine !== turn || trace !== T) return;
            }
        }
        found = out.subarray(0, n);
        note.textContent = wrong || `${countText(n)} of ${countText(T.n)} events`;
        space.style.height = `${Math.min(MOST, n * LINE)}px`;
        showEvent();
    }
    const scale = () => found.length * LINE > MOST ? (found.length * LINE - SHOWN * LINE) / (MOST - SHOWN * LINE) : 1;
    function render() {
        if (!found) return;
        const first = Math.max(0, Math.min(found.length - 1, Math.floor(view.scrollTop * scale() / LINE)));
        const part = [];
        for (let k = first; k < Math.min(found.length, first + SHOWN); k++) {
            const i = found[k], now = i === state.event;
            part.push(h('div', { class: now ? 'line now' : 'line', role: 'option', 'aria-selected': String(now), 'data-event': i,
                onclick: () => goTo(i) }, quiz.hides(i) ? lineText(T, i).replace(/ reason=.*/, ' …?') : lineText(T, i)));
        }
        lines.replaceChildren(...part);
        lines.style.top = `${view.scrollTop}px`;
    }
    function place() { return found ? lastNotAbove(found, state.event, i => i) : -1; }
    function showEvent() {
        if (!found) return;     // still looking: apply() shows it in the end
        const k = place(), first = Math.floor(view.scrollTop * scale() / LINE);
        if (k >= 0 && (k < first || k >= first + SHOWN - 2)) view.scrollTop = Math.max(0, (k - SHOWN / 3) * LINE / scale());
        render();
    }
    view.addEventListener('scroll', render);
    view.addEventListener('keydown', e => {
        const by = { ArrowUp: -1, ArrowDown: 1, PageUp: -SHOWN, PageDown: SHOWN, Home: -Infinity, End: Infinity }[e.key];
        if (by === undefined || !found || !found.length) return;
        e.preventDefault();
        e.stopPropagation();
        goTo(found[Math.max(0, Math.min(found.length - 1, place() + by))]);
    });
    filter.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(apply, 120); });
    function setWord(key, value) {
        const rest = filter.value.split(/\s+/).filter(w => w && !w.startsWith(`${key}=`));
        if (value) rest.push(`${key}=${value}`);
        filter.value = rest.join(' ');
        apply();
    }
    kinds.addEventListener('change', () => setWord('event', kinds.value));
    reasons.addEventListener('change', () => setWord('reason', reasons.value));
    function fill() {
        const options = (all, list) => [h('option', { value: '' }, all), ...list.map(n => h('option', { value: n }, n))];
        kinds.replaceChildren(...options('every kind', T.head.classes.map(c => c.name)));
        reasons.replaceChildren(...options('every reason', T.lists.pt_reason.slice(1)));
    }
    function copy() {
        if (!found) return;
        const text = [...found.subarray(0, 5000)].map(i => lineText(T, i)).join('\n');
        const area = h('textarea', { class: 'copy', readonly: true, 'aria-label': 'Lines to copy' });
        area.value = text;
        view.after(area);
        area.select();
        let done = false;
        try { done = document.execCommand('copy'); } catch (e) { done = false; }
        note.textContent = done ? `${countText(Math.min(found.length, 5000))} lines copied` : 'Copy the selected text';
        if (done) area.remove();
    }
    function build() {
        return section('events', 'Events',
            h('div', { class: 'tools' }, filter, kinds, reasons, button('Copy lines', copy)), note, view);
    }
    onChange(changed => {
        if ('trace' in changed) { fill(); found = null; lines.replaceChildren(); }
        if ('events' in changed || 'trace' in changed) apply();
        else if ('event' in changed || 'quiz' in changed) showEvent();
    });
    return { build, setFilter: text => { filter.value = text; apply(); document.getElementById('events').scrollIntoView(); } };
})();
function filterEvents(text) { events.setFilter(text); }
