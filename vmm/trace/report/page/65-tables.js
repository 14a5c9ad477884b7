// 65-tables.js - the page tables at the moment: the tree of an address space, and one table as a
// map of its 512 entries.

const tables = (() => {
    const CELL = 17, COLUMNS = 32;
    const choose = h('select', { 'aria-label': 'Address space' });
    const tree = h('div', { class: 'tree', role: 'tree', 'aria-label': 'Page tables' });
    const canvas = h('canvas', { tabindex: '0', role: 'img' });
    const caption = h('p', { class: 'note', role: 'status' });
    let shown = null, cursor = 0, toggled = new Set(), written = null;

    function spaces() { return [0, ...[...machine.roots.keys()].filter(mm => mm !== 0).sort((a, b) => a - b)]; }
    // Which tasks have it.
    function ownersOf(mm) {
        return T.tasks.filter(t => t.born_event <= state.event && !(t.ended && T.ns[state.event] >= t.ended) &&
            T.mmAt(t.pid, state.event) === mm).map(t => T.who(t.pid, state.event));
    }
    function spaceText(mm) {
        if (mm === 0) return "0: the kernel's";
        const owners = ownersOf(mm);
        return `${mm}: ${owners.length ? owners.slice(0, 3).join(', ') + (owners.length > 3 ? ', …' : '') : 'nobody yet, or no more'}`;
    }
    function fillSpaces() {
        const all = spaces();
        if (!all.includes(state.mm)) state.mm = all.includes(T.mmAt(state.pid, state.event)) ? T.mmAt(state.pid, state.event) : all[1] || 0;
        choose.replaceChildren(...all.slice(0, 400).map(mm => h('option', { value: mm, selected: mm === state.mm }, spaceText(mm))));
    }

    // --- the tree ----------------------------------------------------------------------

    function runsIn(t, base, from, to) {
        const out = [];
        for (let slot = from; slot < to; slot++) {
            const lo = t.lo[slot], hi = t.hi[slot];
            if (lo === 0 && hi === 0) continue;
            const va = base + slot * spanOf(t.level), below = machine.below(t, slot);
            const last = out[out.length - 1], flags = lo & PTE_FIXED;
            if (!below && last && !last.below && last.slot + last.n === slot && last.flags === flags && last.nx === hi >>> 31) last.n++;
            else out.push({ slot, n: 1, va, below, flags, nx: hi >>> 31, lo, hi });
        }
        return out;
    }
    function counts(t) {
        let used = 0;
        for (let i = 0; i < 512; i++) used += t.lo[i] !== 0 || t.hi[i] !== 0;
        return used;
    }
    function node(t, base, from, to, text) {
        const name = T.lists.pt_level[t.level], open = (t.level > 1) !== toggled.has(t.pfn);      // the lowest are shut at first
        const children = h('ul', { role: 'group' });
        const head = button(`${open ? '▾' : '▸'} ${name} ${hex(t.pfn)}${text}: ${counts(t)} of 512 entries`, () => {
            if (toggled.has(t.pfn)) toggled.delete(t.pfn); else toggled.add(t.pfn);
            show(t.pfn, base);
        }, { class: `branch${shown && shown.pfn === t.pfn ? ' chosen' : ''}`, 'aria-expanded': String(open) });
        if (open)
            for (const r of runsIn(t, base, from, to).slice(0, 200))
                children.append(r.below ? node(r.below, r.va, 0, 512, `  ${addressText(r.va)}`) : leaf(t, r));
        return h('li', { role: 'treeitem' }, head, children);
    }
    function leaf(t, r) {
        const end = r.va + r.n * spanOf(t.level), pages = `${r.n} × ${['', '4 KiB', '2 MiB', '1 GiB'][t.level]}`;
        return h('li', { role: 'treeitem' }, button(`${addressText(r.va)}–${addressText(end)}  ${pages}  ${rightsText(r.lo, r.hi)}`,
            () => { show(t.pfn, r.va - r.slot * spanOf(t.level)); cursor = r.slot; selectEntry(state.mm, r.va, t.level); },
            { class: `leaf ${kindOf(r.lo, r.hi)}` }));
    }

    // --- the map -----------------------------------------------------------------------

    function kindOf(lo, hi, above = true) {
        if (!(lo & PTE.P)) return lo || hi ? 'absent' : 'empty';
        if (!(lo & PTE.U)) return 'kernel';
        if (lo & PTE.COW || ((lo & PTE.W) && !above)) return 'cow';
        if (lo & PTE.W) return 'rw';
        return hi >>> 31 ? 'ro' : 'rx';
    }
    function show(pfn, base) { change({ table: pfn, base }); }

    // When each entry of the table was written last, up to the moment.
    function lastWrites(t) {
        const at = new Uint32Array(512);
        for (let i = t.made; i <= state.event; i++)
            if (T.table[i] === t.pfn && T.isPt(i)) at.fill(i, T.first[i], T.first[i] + T.len[i]);
        return at;
    }
    function pickTable() {
        let t = machine.tables.get(state.table), base = state.base;
        const e = state.entry;
        if (e && e.mm === state.mm) {
            t = machine.tableFor(e.mm, e.va, e.level);
            if (t) { base = Math.floor(e.va / spanOf(t.level + 1)) * spanOf(t.level + 1); cursor = Math.floor(e.va / spanOf(t.level)) % 512; }
        }
        if (!t || (t.mm !== state.mm && !e)) {      // the fullest of the lowest level
            let best = machine.root(state.mm);
            for (const x of machine.tables.values())
                if (x.mm === state.mm && (!best || x.level < best.level || (x.level === best.level && counts(x) > counts(best)))) best = x;
            t = best;
            base = t ? t.va : 0;
        }
        shown = t ? { pfn: t.pfn, base, level: t.level } : null;
        return t;
    }
    function drawMap(t) {
        const width = COLUMNS * CELL + 2, g = prepareCanvas(canvas, width, 16 * CELL + 2);
        g.fillStyle = colours.panel;
        g.fillRect(0, 0, width, 16 * CELL + 2);
        if (!t) return;
        written = lastWrites(t);
        const above = t.level === 1 && state.mm !== 0 ? machine.writableAbove(state.mm, shown.base, 1) : true;
        const newest = written.reduce((a, b) => Math.max(a, b), 0), oldest = t.made;
        for (let i = 0; i < 512; i++) {
            const px = i % COLUMNS * CELL + 1, py = Math.floor(i / COLUMNS) * CELL + 1, kind = kindOf(t.lo[i], t.hi[i], above);
            g.globalAlpha = 1;
            g.fillStyle = colours.line;
            g.fillRect(px + 1, py + 1, CELL - 2, CELL - 2);
            if (kind !== 'empty') {
                g.globalAlpha = newest > oldest ? 0.5 + 0.5 * (written[i] - oldest) / (newest - oldest) : 1;
                g.fillStyle = kind === 'absent' ? colours.faint : colours[kind];
                g.fillRect(px + 1, py + 1, CELL - 2, CELL - 2);
                g.globalAlpha = 1;
                mark(g, kind, px, py);
            }
            if (written[i] && (written[i] === state.event || (state.call && T.call[written[i]] === state.call))) {
                g.fillStyle = colours.accent;
                g.beginPath();
                g.moveTo(px + CELL - 1, py + 1); g.lineTo(px + CELL - 1, py + 9); g.lineTo(px + CELL - 9, py + 1);
                g.fill();
            }
        }
        g.strokeStyle = colours.accent;
        g.lineWidth = 2;
        g.strokeRect(cursor % COLUMNS * CELL + 1, Math.floor(cursor / COLUMNS) * CELL + 1, CELL, CELL);
    }
    // Not by colour alone.
    function mark(g, kind, px, py) {
        const letter = { cow: 'c', rw: 'w', rx: 'x', ro: 'r', kernel: 'k', absent: '·' }[kind];
        g.fillStyle = colours.paper;
        g.font = '10px system-ui, sans-serif';
        g.textAlign = 'center';
        g.fillText(letter, px + CELL / 2, py + CELL / 2 + 3);
        g.textAlign = 'start';
    }
    function describe(t) {
        if (!t) { caption.textContent = 'No table at this moment.'; return; }
        const va = shown.base + cursor * spanOf(t.level);
        caption.textContent = `${T.lists.pt_level[t.level]} table ${hex(t.pfn)}, entry ${cursor}, ${addressText(va)}: ` +
            `${pteText(t.lo[cursor], t.hi[cursor])}${t.level === 1 && state.mm !== 0 && !machine.writableAbove(state.mm, va, 1) ? ', in a table that is shared: not to be written' : ''}${written && written[cursor] ? `, written last by event ${written[cursor]}` : ''}`;
        canvas.setAttribute('aria-label', `Map of 512 entries. ${caption.textContent}. Arrows move, Enter shows the history.`);
    }
    function choosing(slot) {
        cursor = slot;
        const t = machine.tables.get(shown && shown.pfn);
        if (!t) return;
        selectEntry(state.mm, shown.base + slot * spanOf(t.level), t.level);
    }

    function draw() {
        if (!T.ready) { caption.textContent = 'Reading the events…'; return; }
        machine.seek(state.event);
        fillSpaces();
        const t = pickTable(), root = machine.root(state.mm);
        tree.replaceChildren(root ? h('ul', { role: 'group' }, node(root, 0, state.mm === 0 ? 256 : 0, state.mm === 0 ? 512 : 256, '  root')) :
            h('p', {}, 'This address space does not exist at this moment.'));
        drawMap(t);
        describe(t);
        asRows.refill();
    }
    canvas.addEventListener('click', e => {
        const slot = Math.floor((e.offsetY - 1) / CELL) * COLUMNS + Math.floor((e.offsetX - 1) / CELL);
        if (slot >= 0 && slot < 512) choosing(slot);
    });
    canvas.addEventListener('keydown', e => {
        const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS }[e.key];
        if (e.key === 'Enter') { choosing(cursor); e.preventDefault(); return; }
        if (step === undefined) return;
        e.preventDefault();
        e.stopPropagation();
        cursor = Math.max(0, Math.min(511, cursor + step));
        state.entry = null;
        const t = shown && machine.tables.get(shown.pfn);
        state.table = shown ? shown.pfn : 0;
        drawMap(t);
        describe(t);
    });
    choose.addEventListener('change', () => { toggled = new Set(); change({ mm: Number(choose.value), entry: null, table: 0 }); });

    const asRows = asTable(['address', 'pages', 'rights', 'first frame'], () => runsOfLeaves(machine.leaves(state.mm)), r =>
        [addressText(r.va), r.n, rightsText(r.leaves[0].lo, r.leaves[0].hi, r.above), hex(pfnOf(r.leaves[0].lo, r.leaves[0].hi))], 'tables-table');
    function build() {
        const item = (name, text) => h('span', {}, h('i', { class: `swatch ${name}` }), text);
        return section('tables', 'Page tables at this moment',
            h('div', { class: 'tools' }, h('label', {}, 'Address space ', choose), saveButton(() => canvas, 'table')),
            h('div', { class: 'two' }, tree, h('div', {}, canvas, caption,
                h('p', { class: 'legend' }, item('rw', 'w: writable'), item('ro', 'r: read only'), item('rx', 'x: executable'), item('cow', 'c: read only until copied (COW)'),
                    item('kernel', 'k: kernel'), h('span', {}, 'Bright: written lately. Corner: by this event or the selected call.')))),
            asRows);
    }
    onChange(changed => {
        if (['event', 'mm', 'table', 'entry', 'call', 'events', 'theme', 'trace'].some(k => k in changed)) {
            if ('trace' in changed) toggled = new Set();
            draw();
        }
    });
    return { build, spaceText, kindOf };
})();
