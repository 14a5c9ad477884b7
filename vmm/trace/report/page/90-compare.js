// 90-compare.js - two calls next to each other, and two traces.

// --- two calls of one trace: a fork and a vfork of the same program -----------------------

const twoCalls = (() => {
    const select = [h('select', { 'aria-label': 'First call' }), h('select', { 'aria-label': 'Second call' })];
    const body = h('div', { class: 'scroll' });
    function candidates() { return T.calls.filter(c => c.child || T.lists.call_kind[c.kind] === 'exec').slice(0, 2000); }
    // A fork, and a vfork of the same program if there is one.
    function defaults(list) {
        const kind = name => list.filter(c => T.lists.call_kind[c.kind] === name);
        const forks = kind('fork'), others = [...kind('vfork'), ...kind('posix_spawn')];
        for (const f of forks) {
            const other = others.find(v => T.nameAt(v.pid, v.event) === T.nameAt(f.pid, f.event));
            if (other) return [f, other];
        }
        const second = forks.length ? others[others.length - 1] : list.filter(c => c.child).pop();
        return [forks[0] || list[0], second || list[1] || list[0]];
    }
    function reasonsOf(c) {
        const sums = {};
        if (T.ready) for (const r of runsOfCall(c)) sums[T.lists.pt_reason[r.reason]] = (sums[T.lists.pt_reason[r.reason]] || 0) + r.changed;
        return sums;
    }
    function draw() {
        const c = select.map(s => T.callOf.get(Number(s.value)));
        if (!c[0] || !c[1]) { body.replaceChildren(h('p', {}, 'There are no two calls to compare.')); return; }
        const sums = c.map(reasonsOf), names = [...new Set([...Object.keys(sums[0]), ...Object.keys(sums[1])])];
        const row = (what, a, b) => [what, a, b, typeof a === 'number' ? differenceText(a, b) : ''];
        body.replaceChildren(table(['', ...c.map(x => callLink(x.number)), 'difference'], [
            row('by', ...c.map(x => T.who(x.pid, x.event))), row('kind', ...c.map(x => T.lists.call_kind[x.kind] || '')),
            row('pages of its own', ...c.map(x => T.pagesAtCall ? T.pagesAtCall.get(x.number) || 0 : 0)),
            row('entries written', c[0].writes, c[1].writes), ...names.map(n => row(`· ${n}`, sums[0][n] || 0, sums[1][n] || 0)),
            row('tables made', c[0].made, c[1].made), row('page faults in it', c[0].faults, c[1].faults), row('TLB flushes', c[0].flushes, c[1].flushes),
            row('took', durationText(c[0].to - c[0].from), durationText(c[1].to - c[1].from)),
            row('of which blocked', durationText(c[0].blocked), durationText(c[1].blocked)),
            row('', ...c.map(x => x.child ? button('side by side', () => showPairOf(x), { class: 'link' }) : '')),
        ]));
    }
    function fill() {
        const list = candidates(), d = defaults(list);
        select.forEach((s, k) => s.replaceChildren(...list.map(c => h('option', { value: c.number, selected: c === d[k] },
            `${c.number} ${T.kindName(c)} by ${T.who(c.pid, c.event)}`))));
        draw();
    }
    select.forEach(s => s.addEventListener('change', draw));
    onChange(changed => { if ('trace' in changed) fill(); else if ('events' in changed) draw(); });
    return { build: () => section('calls', 'Two calls compared', h('div', { class: 'tools' }, select), body) };
})();

function differenceText(a, b) { return a === b ? '=' : `${b > a ? '+' : '−'}${countText(Math.abs(b - a))}`; }

// --- two traces --------------------------------------------------------------------------

function compareTraces(a, b) {
    const rows = [];
    const add = (of, what, x, y) => { if (x || y) rows.push([of, what, x, y, differenceText(x, y)]); };
    add('all', 'events', a.head.events, b.head.events);
    const kinds = [...new Set([...a.head.summary.calls, ...b.head.summary.calls].map(r => r.call))];
    for (const kind of kinds) {
        const x = a.head.summary.calls.find(r => r.call === kind), y = b.head.summary.calls.find(r => r.call === kind);
        const of = (r, f) => r ? f(r) : 0;
        add(kind, 'calls', of(x, r => r.calls), of(y, r => r.calls));
        add(kind, 'entries written', of(x, costs.allWrites), of(y, costs.allWrites));
        for (const name of ['tables_made', 'tables_freed', 'faults', 'cow_breaks', 'tlb_flushes'])
            add(kind, name.replace('_', ' '), of(x, r => r[name]), of(y, r => r[name]));
    }
    const verdicts = a.head.lint.checks.filter((c, k) => c.verdict !== b.head.lint.checks[k].verdict || c.verdict === 'fail')
        .map(c => [c.check, c.holds, c.verdict, b.head.lint.checks.find(d => d.check === c.check).verdict]);
    const scale = Math.max(1, ...kinds.flatMap(kind => [a, b].map(t => perCallOf(t, kind)))), high = kinds.length * 30 + 10;
    const root = svg('svg', { viewBox: `0 0 860 ${high}`, role: 'img', 'aria-label': 'Entries written a call in both traces; the table has the numbers' });
    kinds.forEach((kind, k) => {
        root.append(svg('text', { x: 100, y: 22 + 30 * k, 'text-anchor': 'end' }, kind));
        [a, b].forEach((t, m) => {
            const n = perCallOf(t, kind), width = n / scale * 600;
            root.append(svg('rect', { x: 110, y: 5 + 30 * k + 13 * m, width, height: 11, class: m ? 'fill-exec' : 'fill-fork' }),
                svg('text', { x: 116 + width, y: 14 + 30 * k + 13 * m, class: 'small' }, n.toFixed(1)));
        });
    });
    return section('compare', 'Two traces',
        h('p', {}, h('i', { class: 'swatch r-fork' }), `first: ${a.head.dir}   `, h('i', { class: 'swatch r-exec' }), `second: ${b.head.dir}`),
        h('h3', {}, 'Entries written a call'), h('div', { class: 'picture' }, root),
        verdicts.length ? [h('h3', {}, 'Verdicts that differ, or fail'), table(['check', 'holds if', 'first', 'second'], verdicts)] : h('p', {}, 'Lint says the same of both.'),
        h('div', { class: 'scroll' }, table(['of', 'what', 'first', 'second', 'difference'], rows, { id: 'compare-table' })));
}
function perCallOf(t, kind) {
    const r = t.head.summary.calls.find(x => x.call === kind);
    return r && r.calls ? costs.allWrites(r) / r.calls : 0;
}
