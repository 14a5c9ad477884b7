// 75-costs.js - what kinds of calls cost, and each call of a kind.

const costs = (() => {
    const body = h('div', { class: 'scroll' }), bars = h('div', { class: 'picture' }), curve = h('div', { class: 'picture' });
    const list = h('div', { class: 'scroll' });
    const sum = writes => Object.values(writes).reduce((a, b) => a + b, 0);
    const allWrites = row => ['caller', 'other', 'kernel'].reduce((s, side) => s + sum(row.writes[side]), 0);
    const perCall = (n, row) => row.calls ? (n / row.calls).toFixed(1) : '-';

    function rowsOf(trace) {
        return trace.head.summary.calls.map(r => {
            const then = r.until_child_execs_or_exits, waits = r.parent_waits;
            return { row: r, cells: [r.calls, r.failed, perCall(allWrites(r), r), sum(r.writes.caller), sum(r.writes.other), sum(r.writes.kernel),
                r.tables_made, r.tables_freed, r.faults, r.cow_breaks, r.tlb_flushes, then ? then.child_faults : '', then ? then.child_cow_breaks : '',
                then ? then.parent_cow_breaks : '', waits ? durationText(waits.median_ns) : ''] };
        });
    }
    const heads = ['call', 'calls', 'failed', 'entries a call', 'in the caller’s tables', 'in another’s', 'kernel’s', 'tables made', 'freed', 'faults', 'COW',
        'flushes', 'then child: faults', 'child: COW', 'parent: COW', 'parent blocked (median)'];
    function drawTable() {
        body.replaceChildren(table(heads, rowsOf(T).map(({ row, cells }) =>
            [T.lists.call_kind.indexOf(row.call) >= 0 && row.call !== 'fault' ? button(row.call, () => listCalls(row.call), { class: 'link' }) : row.call, ...cells])));
    }

    // Entries written a call, by reason.
    function drawBars() {
        const rows = T.head.summary.calls.filter(r => ['fork', 'vfork', 'posix_spawn', 'clone', 'thread', 'exec', 'exit'].includes(r.call));
        const most = Math.max(1, ...rows.map(r => allWrites(r) / r.calls)), scale = 560 / most;
        const root = svg('svg', { viewBox: `0 0 860 ${rows.length * 26 + 6}`, role: 'img', 'aria-label': 'Entries written a call, by reason; the table has the numbers' });
        rows.forEach((r, k) => {
            const y = 4 + 26 * k;
            let x = 110;
            const groups = new Map();
            for (const side of ['caller', 'other', 'kernel'])
                for (const [reason, n] of Object.entries(r.writes[side])) {
                    const g = REASON_GROUP[reason] || 'kernel';
                    groups.set(g, (groups.get(g) || 0) + n / r.calls);
                }
            root.append(svg('text', { x: 100, y: y + 14, 'text-anchor': 'end' }, r.call));
            for (const g of REASON_GROUPS) {
                const width = (groups.get(g) || 0) * scale;
                if (!width) continue;
                root.append(svg('rect', { x, y, width: Math.max(1, width), height: 18, class: `fill-${g}` }, svg('title', {}, `${GROUP_TEXT[g]}: ${groups.get(g).toFixed(1)}`)));
                x += width;
            }
            root.append(svg('text', { x: x + 6, y: y + 14 }, (allWrites(r) / r.calls).toFixed(1)));
        });
        bars.replaceChildren(h('h3', {}, 'Entries written a call'), root);
    }

    // Each child that was made: entries written against the pages of its own memory (no file's) that the parent had.
    function points() {
        return T.calls.filter(c => c.child && T.pagesAtCall.has(c.number)).map(c =>
            ({ c, x: T.pagesAtCall.get(c.number), y: c.writes, kind: T.lists.call_kind[c.kind] }));
    }
    const MARK = { fork: 'fork', vfork: 'cow', posix_spawn: 'exec', clone: 'map', thread: 'table' };
    function drawCurve() {
        if (!T.ready) return;
        const all = points().filter(p => p.kind !== 'thread');
        if (!all.length) { curve.replaceChildren(); return; }
        const mx = Math.max(1, ...all.map(p => p.x)), my = Math.max(1, ...all.map(p => p.y));
        const px = v => 70 + v / mx * 740, py = v => 206 - v / my * 180;
        const root = svg('svg', { viewBox: '0 0 860 250', role: 'img', 'aria-label': 'Entries written against pages of the parent' },
            svg('path', { d: 'M70 20 V206 H820', class: 'axis' }),
            svg('text', { x: 820, y: 226, 'text-anchor': 'end' }, `pages of its own memory that the parent has: up to ${countText(mx)}`),
            svg('text', { x: 62, y: 26, 'text-anchor': 'end' }, countText(my)), svg('text', { x: 62, y: 206, 'text-anchor': 'end' }, '0'));
        const seen = new Set();
        for (const p of all) {
            const key = `${Math.round(px(p.x))} ${Math.round(py(p.y))} ${p.kind}`;
            if (seen.has(key)) continue;
            seen.add(key);
            const dot = p.kind === 'fork' ? svg('circle', { cx: px(p.x), cy: py(p.y), r: 5 }) : svg('rect', { x: px(p.x) - 5, y: py(p.y) - 5, width: 10, height: 10 });
            dot.setAttribute('class', `dot fill-${MARK[p.kind] || 'kernel'}`);
            dot.append(svg('title', {}, `call ${p.c.number}, ${p.kind}: ${p.y} entries, the parent has ${p.x} pages of its own`));
            dot.addEventListener('click', () => selectCall(p.c.number));
            root.append(dot);
        }
        [...new Set(all.map(p => p.kind))].forEach((kind, k) => root.append(
            svg('rect', { x: 90 + 130 * k, y: 232, width: 10, height: 10, class: `fill-${MARK[kind] || 'kernel'}` }), svg('text', { x: 106 + 130 * k, y: 241 }, kind)));
        curve.replaceChildren(h('h3', {}, 'Does it depend on the size of the parent?'), root);
        curveTable.refill();
    }
    const curveTable = asTable(['call', 'kind', 'pages of the parent’s own memory', 'entries written'], points, p => [callLink(p.c.number), p.kind, p.x, p.y], 'curve-table');

    function listCalls(kind) {
        const of = T.calls.filter(c => T.lists.call_kind[c.kind] === kind), shown = of.slice(0, 200);
        list.replaceChildren(h('h3', {}, `${countText(of.length)} × ${kind}`),
            table(['call', 'by', 'gives', 'took', 'blocked', 'entries', 'tables made', 'freed', 'faults', 'flushes'], shown.map(c =>
                [callLink(c.number), T.who(c.pid, c.event), returnText(c), durationText(c.to - c.from), c.blocked ? durationText(c.blocked) : '', c.writes, c.made, c.freed, c.faults, c.flushes])));
        if (of.length > shown.length) list.append(h('p', {}, `The first ${shown.length}.`));
    }
    function draw() { drawTable(); drawBars(); drawCurve(); }
    function build() {
        return section('costs', 'What calls cost', h('p', {}, 'Choose a kind of call to see each of them.'), body, list, bars, curve, curveTable);
    }
    onChange(changed => {
        if ('trace' in changed) { list.replaceChildren(); draw(); }
        if ('events' in changed) drawCurve();
    });
    return { build, draw, allWrites, sum };
})();
