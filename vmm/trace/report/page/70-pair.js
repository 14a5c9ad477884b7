// 70-pair.js - two address spaces side by side, frames that both lead to linked.

const pair = (() => {
    const WIDTH = 860, BOX = 268, GAP = 5, MOST = 60;
    const story = h('select', { 'aria-label': 'Which child' });
    const moments = h('span', { class: 'moments' });
    const left = h('select', { 'aria-label': 'Left address space' }), right = h('select', { 'aria-label': 'Right address space' });
    const picture = h('div', { class: 'picture' }), text = h('p', { class: 'note', role: 'status' });
    let chosen = null, sides = [0, 0];

    // Calls that made a process.
    function births() { return T.calls.filter(c => c.child && T.lists.call_kind[c.kind] !== 'thread'); }
    // The moments of a child that one looks at: event numbers.
    function momentsOf(c) {
        const of = (kind, match) => T.eventsOf(kind).find(i => i > c.event && match(i));
        const clone = of('clone', i => T.pid[i] === c.pid && T.field(i, 'child') === c.child);
        const exec = of('exec', i => T.pid[i] === c.child), exit = of('exit', i => T.pid[i] === c.child);
        const list = [['before', c.event - 1]];
        if (clone) list.push(['after the ' + T.callName(c.nr), clone]);
        const wrote = T.eventsOf('page_fault').find(i => clone && i > clone && (T.pid[i] === c.child) && (!exec || i < exec));
        if (wrote) list.push(['when the child runs', exec ? exec - 1 : exit ? exit - 1 : T.n]);
        if (exec) list.push(['after its exec', exec]);
        if (exit) list.push(['at its end', exit]);
        return list;
    }
    function choose(c) {
        chosen = c;
        moments.replaceChildren(...momentsOf(c).map(([name, event]) => button(name, () => {
            sides = [T.mmAt(c.pid, event) || c.mm, T.mmAt(c.child, event) || c.mm];
            change({ event, pair: true });
        })));
    }
    function fill() {
        const list = births();
        story.replaceChildren(...list.slice(0, 1000).map(c => h('option', { value: c.number, selected: c === chosen },
            `${T.lists.call_kind[c.kind]}: ${T.who(c.pid, c.event)} makes ${T.title(c.child)} (call ${c.number})`)));
        const all = [...machine.roots.keys()].sort((a, b) => a - b).slice(0, 400);
        [left, right].forEach((select, k) => select.replaceChildren(...[sides[k], ...all.filter(mm => mm !== sides[k])].map(mm =>
            h('option', { value: mm, selected: mm === sides[k] }, tables.spaceText(mm)))));
    }

    // --- the picture -------------------------------------------------------------------

    function column(mm) {
        const runs = runsOfLeaves(machine.leaves(mm));
        let y = 40;
        for (const r of runs) {
            r.y = y;
            r.height = 15 + Math.min(24, 3 * Math.log2(r.n));
            y += r.height + GAP;
        }
        return { mm, runs, height: y };
    }
    function box(r, x, mm) {
        const kind = tables.kindOf(r.leaves[0].lo, r.leaves[0].hi, r.above), end = r.va + r.n * spanOf(r.level);
        const g = svg('g', { class: 'run', tabindex: '0', role: 'button',
            'aria-label': `${addressText(r.va)} to ${addressText(end)}, ${r.n} pages, ${rightsText(r.leaves[0].lo, r.leaves[0].hi, r.above)}` },
        svg('rect', { x, y: r.y, width: BOX, height: r.height, rx: 2, class: `cell ${kind}` }),
        svg('text', { x: x + 6, y: r.y + r.height / 2 + 4 }, `${addressText(r.va)}  ${r.n}p  ${rightsText(r.leaves[0].lo, r.leaves[0].hi, r.above).replace(' user', '')}`));
        const act = () => selectEntry(mm, r.va, r.level);
        g.addEventListener('click', act);
        g.addEventListener('keydown', e => { if (e.key === 'Enter') act(); });
        return g;
    }
    // How many frames each pair of runs shares.
    function shared(a, b) {
        const where = new Map(), links = new Map();
        b.runs.forEach((r, k) => r.leaves.forEach(l => { if (l.lo & 1) where.set(pfnOf(l.lo, l.hi), k); }));
        let frames = 0;
        a.runs.forEach((r, k) => r.leaves.forEach(l => {
            const other = l.lo & 1 ? where.get(pfnOf(l.lo, l.hi)) : undefined;
            if (other === undefined) return;
            frames++;
            const key = `${k} ${other}`;
            links.set(key, (links.get(key) || 0) + 1);
        }));
        return { frames, links: [...links].map(([key, n]) => [...key.split(' ').map(Number), n]) };
    }
    function band(a, b, n, k, dense) {
        const x1 = BOX + 10, x2 = WIDTH - BOX - 10, middle = (x1 + x2) / 2;
        const y1 = a.y + 1, y2 = a.y + a.height - 1, y3 = b.y + 1, y4 = b.y + b.height - 1;
        const kind = tables.kindOf(a.leaves[0].lo, a.leaves[0].hi, a.above);
        return svg('g', { class: `band ${kind}` },
            svg('path', { d: `M${x1} ${y1} C${middle} ${y1} ${middle} ${y3} ${x2} ${y3} L${x2} ${y4} C${middle} ${y4} ${middle} ${y2} ${x1} ${y2} Z` },
                svg('title', {}, `${n} frames in both`)),
            dense ? null : svg('text', { x: x1 + 14 + 74 * (k % 2), y: (y1 + y2) / 2 + 4 }, `${n} shared`));
    }
    function count(c, test) { return c.runs.reduce((sum, r) => sum + (test(r.leaves[0]) ? r.n : 0), 0); }
    function sideText(c) {
        return `address space ${c.mm}: ${countText(count(c, l => l.lo & 1))} pages, ${countText(count(c, l => (l.lo & 2) && l.above))} of them writable, ` +
            `${countText(count(c, l => l.lo & PTE.COW || ((l.lo & 2) && !l.above)))} to be copied on write`;
    }
    function title(x, mm) { return svg('text', { x, y: 24, class: 'title' }, tables.spaceText(mm)); }

    function draw() {
        if (!T.ready) return;
        machine.seek(state.event);
        if (!chosen || T.callOf.get(chosen.number) !== chosen) {
            const first = births().find(c => T.lists.call_kind[c.kind] === 'fork') || births()[0];
            if (first) {
                choose(first);
                const m = momentsOf(first);
                if (state.event === 0 && m[1]) { sides = [T.mmAt(first.pid, m[1][1]), T.mmAt(first.child, m[1][1])]; }
                else sides = [first.mm, T.mmAt(first.child, state.event) || first.mm];
            }
        }
        fill();
        const a = column(sides[0]), b = column(sides[1]), same = sides[0] === sides[1];
        const cut = c => { const more = c.runs.length - MOST; if (more > 0) { c.runs.length = MOST; c.more = more; c.height = c.runs[MOST - 1].y + 60; } };
        cut(a); cut(b);
        const height = Math.max(a.height, same ? 0 : b.height, 80) + 10;
        const root = svg('svg', { viewBox: `0 0 ${WIDTH} ${height}`, role: 'group', 'aria-label': 'Two address spaces; the table below says the same' });
        if (same) {
            const x = (WIDTH - BOX) / 2;
            root.append(title(x, a.mm), ...a.runs.map(r => box(r, x, a.mm)));
            text.textContent = `One address space for both: ${sideText(a)}.`;
        } else {
            const s = shared(a, b);
            root.append(...s.links.map(([k, m, n], i) => band(a.runs[k], b.runs[m], n, i, s.links.length > 40)),
                title(10, a.mm), title(WIDTH - BOX - 10, b.mm), ...a.runs.map(r => box(r, 10, a.mm)), ...b.runs.map(r => box(r, WIDTH - BOX - 10, b.mm)));
            text.textContent = `Left: ${sideText(a)}. Right: ${sideText(b)}. ${countText(s.frames)} frames in both.`;
        }
        if (a.more || b.more) text.textContent += ` The picture leaves out ${(a.more || 0) + (b.more || 0)} rows at the end; the table has them.`;
        picture.replaceChildren(root);
        rows.refill();
    }
    function pages() {
        const of = new Map();
        sides.forEach((mm, k) => { if (k === 0 || sides[1] !== sides[0]) for (const l of machine.leaves(mm)) { const x = of.get(l.va) || [null, null]; x[k] = l; of.set(l.va, x); } });
        return [...of].sort((x, y) => x[0] - y[0]);
    }
    const one = l => l ? `${rightsText(l.lo, l.hi, l.above)} ${hex(pfnOf(l.lo, l.hi))}` : '-';
    const rows = asTable(['address', 'left', 'right', ''], pages, ([va, [l, r]]) => [addressText(va), one(l), one(r),
        l && r && pfnOf(l.lo, l.hi) === pfnOf(r.lo, r.hi) ? 'the same frame' : ''], 'pair-table');

    story.addEventListener('change', () => { choose(T.callOf.get(Number(story.value))); moments.children[Math.min(1, moments.children.length - 1)].click(); });
    [left, right].forEach((select, k) => select.addEventListener('change', () => { sides[k] = Number(select.value); draw(); }));
    function show(c) {
        choose(c);
        const [, event] = momentsOf(c)[1] || momentsOf(c)[0];
        sides = [T.mmAt(c.pid, event) || c.mm, T.mmAt(c.child, event) || c.mm];
        change({ event, pair: true });
        document.getElementById('pair').scrollIntoView();
    }
    function build() {
        return section('pair', 'Parent and child side by side',
            h('div', { class: 'tools' }, h('label', {}, 'Child ', story), moments),
            h('div', { class: 'tools' }, h('label', {}, 'Left ', left), h('label', {}, 'Right ', right)),
            text, picture, rows);
    }
    onChange(changed => {
        if (['event', 'pair', 'events', 'theme', 'trace'].some(k => k in changed)) { if ('trace' in changed) chosen = null; draw(); }
    });
    return { build, show };
})();
function showPairOf(c) { pair.show(c); }
