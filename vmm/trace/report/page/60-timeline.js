// 60-timeline.js - who ran, who stood still and for whom, who wrote entries: a row a vCPU, a row a task.
//
// A task's row, from the top: its calls; what it did (hatched: blocked for a vfork child); and
// how many entries it wrote, by reason.  Arrows: a child is made; a vfork parent is let go.

const timeline = (() => {
    const LABEL = 170, ROW = 30, CPU_ROW = 16, TOP = 22, MOST = 24;
    const canvas = h('canvas', { tabindex: '0', role: 'img', 'aria-label':
        'Timeline. Up and down choose a task, n and p its next and previous wait, c and v its next and previous call, plus and minus zoom, left and right move. The same is in the table below.' });
    const filter = h('input', { type: 'search', placeholder: 'only tasks called…', 'aria-label': 'Only tasks whose name or number contains' });
    const note = h('p', { class: 'note', role: 'status' });
    const tip = h('div', { class: 'tip', hidden: true });
    let rows = [], width = 900, hatch = null;
    const x = ns => LABEL + (ns - state.from) / (state.to - state.from) * (width - LABEL - 8);
    const ns = px => state.from + (px - LABEL) / (width - LABEL - 8) * (state.to - state.from);
    const endOf = t => t.reaped || t.ended || T.head.ns;

    function chooseRows() {
        const want = filter.value.trim().toLowerCase(), cpus = [...T.runsOn.keys()].sort((a, b) => a - b);
        const tasks = T.tasks.filter(t => endOf(t) >= state.from && t.born <= state.to &&
            (!want || (T.namesOf.get(t.pid) || []).some(n => `${n.name}[${t.pid}]`.toLowerCase().includes(want))));
        let shown = tasks;
        if (tasks.length > MOST) {      // the longest lives in the window, in the order of birth
            const life = t => Math.min(endOf(t), state.to) - Math.max(t.born, state.from);
            const longest = new Set([...tasks].sort((a, b) => life(b) - life(a)).slice(0, MOST));
            shown = tasks.filter(t => longest.has(t) || t.pid === state.pid);
        }
        note.textContent = tasks.length > shown.length ?
            `${shown.length} of ${countText(tasks.length)} tasks are shown, those that live longest here; zoom in, or name some.` : '';
        let y = TOP;
        rows = cpus.slice(0, 64).map(cpu => { const r = { cpu, y, height: CPU_ROW }; y += CPU_ROW; return r; });
        y += 6;
        for (const t of shown) { rows.push({ task: t, pid: t.pid, y, height: ROW }); y += ROW; }
        return y + 4;
    }

    // Rows of a sorted list that touch the window.
    function inWindow(list, visit) {
        let drawn = -1;
        const start = Math.max(0, lastNotAbove(list, state.from, r => r.from) - 64);
        for (let i = start; i < list.length && list[i].from <= state.to; i++) {
            const right = x(Math.min(list[i].to, state.to));
            if (list[i].to < state.from || right < drawn) continue;     // a pixel is drawn once
            const left = Math.max(LABEL, x(list[i].from));
            visit(list[i], left, Math.max(right, left + 0.7));
            drawn = Math.ceil(right * 2) / 2;
        }
    }

    function makeHatch(g) {
        const tile = document.createElement('canvas');
        tile.width = tile.height = 12;
        const c = tile.getContext('2d');
        c.fillStyle = colours.panel;
        c.fillRect(0, 0, 12, 12);
        c.strokeStyle = colours.vfork;
        c.lineWidth = 3.5;
        c.beginPath();
        for (const d of [-12, 0, 12]) { c.moveTo(d - 2, 14); c.lineTo(d + 14, -2); }
        c.stroke();
        hatch = g.createPattern(tile, 'repeat');
        hatch.setTransform(new DOMMatrix().scale(0.5));
    }

    function drawTask(g, row) {
        const t = row.task, y = row.y + 8, high = 11;
        const left = Math.max(LABEL, x(t.born)), right = Math.min(width - 8, x(t.ended || T.head.ns));
        g.fillStyle = colours.ready;
        if (right > left) g.fillRect(left, y + 4, right - left, 3);
        if (t.ended && t.reaped !== t.ended) {
            g.fillStyle = colours.zombie;
            const end = Math.min(width - 8, x(t.reaped || T.head.ns)), from = Math.max(LABEL, x(t.ended));
            if (end > from) g.fillRect(from, y + 3, end - from, 5);
        }
        inWindow(T.waitsOf.get(t.pid) || [], (w, a, b) => {
            const reason = blockReason(w);
            g.fillStyle = reason === 'vfork' ? hatch : reason === 'wait' ? colours.wait : colours.sleep;
            g.fillRect(a, y, b - a, high);
            if (reason === 'vfork') { g.strokeStyle = colours.vfork; g.lineWidth = 1; g.strokeRect(a + 0.5, y + 0.5, Math.max(0, b - a - 1), high - 1); }
            if (w === state.wait) { g.strokeStyle = colours.accent; g.lineWidth = 2; g.strokeRect(a - 1, y - 1, b - a + 2, high + 2); }
            if (b - a > 90) waitLabel(g, w, reason, a, b, y + high - 2.5);
        });
        g.fillStyle = colours.run;
        inWindow(T.runsOf.get(t.pid) || [], (r, a, b) => g.fillRect(a, y, b - a, high));
        inWindow(T.callsOf.get(t.pid) || [], (c, a, b) => {
            g.fillStyle = c.number === state.call ? colours.accent : colours.link;
            g.fillRect(a, row.y + 2, Math.max(1, b - a - 0.5), 4);
        });
        label(g, T.title(t.pid), row);
    }
    function waitLabel(g, w, reason, a, b, y) {
        const what = reason === 'vfork' ? `waits for ${w.on} to exec or exit` : w.on ? `${reason}: ${w.on}` : reason;
        g.save();
        g.beginPath();
        g.rect(a, y - 9, b - a, 12);
        g.clip();
        g.font = '10px system-ui, sans-serif';
        if (reason === 'vfork') {
            g.fillStyle = colours.panel;
            g.fillRect(a + 4, y - 8, Math.min(b - a - 8, g.measureText(what).width + 6), 10);
        }
        g.fillStyle = colours.ink;
        g.fillText(what, a + 7, y);
        g.restore();
    }
    function label(g, text, row) {
        g.fillStyle = row.pid && row.pid === state.pid ? colours.accent : colours.ink;
        g.font = `${row.pid && row.pid === state.pid ? 'bold ' : ''}12px system-ui, sans-serif`;
        const depth = row.task ? Math.min(6, depthOf(row.task)) : 0;
        g.fillText(text.length > 24 ? text.slice(0, 23) + '…' : text, 6 + 7 * depth, row.y + row.height / 2 + 4);
    }
    function depthOf(t) {
        let n = 0;
        for (let p = T.taskOf.get(t.parent); p && n < 6 && p.pid !== t.pid; p = T.taskOf.get(p.parent)) n++;
        return n;
    }

    // Entries written, two pixels a bar, the height by their logarithm.
    function drawDensity(g) {
        const STEP = 2, bins = Math.ceil((width - LABEL) / STEP), of = new Map(rows.filter(r => r.pid).map(r => [r.pid, new Map()]));
        const groups = T.lists.pt_reason.map((name, r) => REASON_GROUPS.indexOf(groupOf(r)));
        const first = T.eventAt(state.from);
        for (let i = first; i <= T.n && T.ns[i] <= state.to; i++) {
            if (T.reason[i] === NO_REASON) continue;
            const row = of.get(T.pid[i]);
            if (!row) continue;
            const bin = ((x(T.ns[i]) - LABEL) / STEP) | 0;
            let sums = row.get(bin);
            if (!sums) row.set(bin, sums = new Float64Array(REASON_GROUPS.length));
            sums[groups[T.reason[i]]] += T.len[i];
        }
        for (const row of rows) {
            for (const [bin, sums] of of.get(row.pid) || []) {
                const total = sums.reduce((a, b) => a + b), high = Math.min(8, 1.5 + Math.log2(total));
                let y = row.y + row.height - 1;
                sums.forEach((n, group) => {
                    if (!n) return;
                    g.fillStyle = colours[`r-${REASON_GROUPS[group]}`];
                    g.fillRect(LABEL + bin * STEP, y - high * n / total, STEP, high * n / total);
                    y -= high * n / total;
                });
            }
        }
        return bins;
    }

    function arrow(g, px, from, to, stroke) {
        const down = to > from ? 1 : -1;
        g.strokeStyle = g.fillStyle = stroke;
        g.lineWidth = 1.3;
        g.beginPath();
        g.moveTo(px, from);
        g.lineTo(px, to - 4 * down);
        g.stroke();
        g.beginPath();
        g.moveTo(px, to);
        g.lineTo(px - 3.5, to - 6 * down);
        g.lineTo(px + 3.5, to - 6 * down);
        g.fill();
    }
    function drawArrows(g) {
        const rowOf = new Map(rows.filter(r => r.pid).map(r => [r.pid, r])), middle = r => r.y + 13;
        for (const row of rowOf.values()) {
            const parent = rowOf.get(row.task.parent), born = row.task.born;
            if (parent && born >= state.from && born <= state.to && row.task.made_call)
                arrow(g, x(born), middle(parent) + 6, row.y + 7, colours.faint);
        }
        for (const w of T.waits) {
            const parent = rowOf.get(w.pid), child = rowOf.get(w.on_pid);
            if (!parent || !child || blockReason(w) !== 'vfork' || !w.end_event || w.to < state.from || w.to > state.to) continue;
            const up = middle(child) > middle(parent);
            arrow(g, x(w.to), middle(child) + (up ? -6 : 6), middle(parent) + (up ? 6 : -6), colours.vfork);
        }
    }
    function drawAxis(g, height) {
        const raw = (state.to - state.from) / 8, power = 10 ** Math.floor(Math.log10(raw));
        const step = [1, 2, 5, 10].map(k => k * power).find(s => s >= raw);
        g.font = '11px system-ui, sans-serif';
        for (let at = Math.ceil(state.from / step) * step; at <= state.to; at += step) {
            g.fillStyle = colours.line;
            g.fillRect(x(at), TOP - 6, 1, height - TOP);
            g.fillStyle = colours.faint;
            const digits = Math.max(0, -Math.floor(Math.log10(step / 1e9)));
            const text = `${(at / 1e9).toFixed(digits)} s`, room = g.measureText(text).width;
            if (x(at) + room < width) g.fillText(text, x(at) + 2, 12);
        }
    }
    function drawCursor(g, height) {
        if (!T.ready || !state.event) return;
        const at = x(T.ns[state.event]);
        if (at < LABEL || at > width) return;
        g.fillStyle = colours.accent;
        g.fillRect(at - 0.75, 14, 1.5, height);
        g.beginPath();
        g.moveTo(at - 5, 13); g.lineTo(at + 5, 13); g.lineTo(at, 20);
        g.fill();
    }

    function draw() {
        width = Math.max(480, canvas.parentElement.clientWidth - 2);
        const height = chooseRows(), g = prepareCanvas(canvas, width, height);
        makeHatch(g);
        g.fillStyle = colours.panel;
        g.fillRect(0, 0, width, height);
        drawAxis(g, height);
        for (const row of rows) {
            g.fillStyle = colours.line;
            if (row.task) g.fillRect(0, row.y + row.height - 0.5, width, 0.5);
            if (row.task) drawTask(g, row);
            else drawCpu(g, row);
        }
        if (T.ready) drawDensity(g);
        drawArrows(g);
        drawCursor(g, height);
    }
    function drawCpu(g, row) {
        label(g, `vCPU ${row.cpu}`, row);
        const used = T.runsOn.get(row.cpu) || [];
        inWindow(used, (r, a, b) => {
            g.fillStyle = r.pid === state.pid ? colours.accent : colours.run;
            g.globalAlpha = r.pid % 2 ? 1 : 0.6;
            g.fillRect(a, row.y + 3, b - a, row.height - 5);
            g.globalAlpha = 1;
        });
    }

    // --- what is where -----------------------------------------------------------------

    const rowAt = py => rows.find(r => py >= r.y && py < r.y + r.height);
    function covering(list, at, slack) {
        const hits = (list || []).filter(r => r.from - slack <= at && at <= r.to + slack);
        return hits.sort((a, b) => (a.to - a.from) - (b.to - b.from))[0];
    }
    function hit(px, py) {
        const row = rowAt(py), at = ns(px), slack = 3 * (state.to - state.from) / width;
        if (!row || px < LABEL) return { row, at };
        if (row.cpu !== undefined) return { row, at, run: covering(T.runsOn.get(row.cpu), at, slack) };
        const call = covering(T.callsOf.get(row.pid), at, slack), wait = covering(T.waitsOf.get(row.pid), at, slack);
        return py < row.y + 7 && call ? { row, at, call } : wait ? { row, at, wait } : { row, at, call };
    }
    function onClick(event) {
        const { row, at, wait, call, run } = hit(event.offsetX, event.offsetY);
        if (wait) selectWait(wait);
        else if (call) selectCall(call.number);
        else if (run) change({ pid: run.pid, event: T.ready ? T.eventAt(at) : 0 });
        else if (row && row.pid) { change({ pid: row.pid }); showTask(row.pid); }
        if (T.ready && event.offsetX > LABEL && !wait && !call) goTo(T.eventAt(at) - 1);
        canvas.focus({ preventScroll: true });
    }
    function onMove(event) {
        const { row, wait, call, run } = hit(event.offsetX, event.offsetY);
        const text = wait ? `${T.who(wait.pid, wait.event)}: ${blockReason(wait)}${wait.on ? ` on ${wait.on}` : ''}, ${durationText(wait.to - wait.from)}` :
            call ? `${T.kindName(call)}, call ${call.number}: ${countText(call.writes)} entries, ${durationText(call.to - call.from)}` :
            run ? `${T.title(run.pid)} runs for ${durationText(run.to - run.from)}` : row && row.pid ? T.title(row.pid) : '';
        tip.hidden = !text;
        tip.textContent = text;
        tip.style.left = `${Math.min(event.offsetX + 12, width - 320)}px`;
        tip.style.top = `${event.offsetY + 16}px`;
    }
    function zoom(factor, middle) {
        const at = middle === undefined ? (state.from + state.to) / 2 : middle, all = T.head.ns || 1;
        let from = at - (at - state.from) * factor, to = at + (state.to - at) * factor;
        if (to - from < 200) return;
        from = Math.max(0, from);
        to = Math.min(all, to);
        change({ from, to });
    }
    function pan(part) {
        const all = T.head.ns || 1, span = state.to - state.from;
        const from = Math.max(0, Math.min(all - span, state.from + part * span));
        change({ from, to: from + span });
    }
    function onWheel(event) {
        if (!event.ctrlKey && !event.shiftKey) return;      // the page scrolls
        event.preventDefault();
        if (event.shiftKey) pan(Math.sign(event.deltaY + event.deltaX) * 0.15);
        else zoom(event.deltaY > 0 ? 1.25 : 0.8, ns(event.offsetX));
    }
    function drag(event) {
        const start = event.offsetX, from = state.from, to = state.to;
        let moved = false;
        const move = e => {
            if (Math.abs(e.offsetX - start) < 4 && !moved) return;
            moved = true;
            const shift = (start - e.offsetX) / (width - LABEL) * (to - from), all = T.head.ns || 1;
            const at = Math.max(0, Math.min(all - (to - from), from + shift));
            change({ from: at, to: at + to - from });
        };
        const up = e => {
            canvas.removeEventListener('pointermove', move);
            if (!moved) onClick(e);
        };
        canvas.addEventListener('pointermove', move);
        canvas.addEventListener('pointerup', up, { once: true });
    }

    function nextOf(list, now, by) {
        if (!list || !list.length) return undefined;
        const k = list.indexOf(now);
        return list[k < 0 ? (by > 0 ? 0 : list.length - 1) : k + by];
    }
    function keyWait(by) {
        const own = T.waitsOf.get(state.pid), w = nextOf(own, state.wait && state.wait.pid === state.pid ? state.wait : null, by);
        if (w) { selectWait(w); reveal(w.from, w.to); }
    }
    function keyCall(by) {
        const c = nextOf(T.callsOf.get(state.pid), T.callOf.get(state.call), by);
        if (c) { selectCall(c.number); reveal(c.from, c.to); }
    }
    function keyRow(by) {
        const tasks = rows.filter(r => r.pid), k = tasks.findIndex(r => r.pid === state.pid);
        const next = tasks[k < 0 ? 0 : Math.max(0, Math.min(tasks.length - 1, k + by))];
        if (next) { change({ pid: next.pid, wait: null }); showTask(next.pid); }
    }
    function reveal(from, to) {
        if (from >= state.from && to <= state.to) return;
        const span = Math.max(to - from, 1000) * 1.5, at = Math.max(0, (from + to - span) / 2);
        change({ from: at, to: Math.min(T.head.ns, at + span) });
    }
    const keys = { '+': () => zoom(0.7), '=': () => zoom(0.7), '-': () => zoom(1.4), '0': () => change({ from: 0, to: T.head.ns || 1 }),
        ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), ArrowUp: () => keyRow(-1), ArrowDown: () => keyRow(1),
        n: () => keyWait(1), p: () => keyWait(-1), c: () => keyCall(1), v: () => keyCall(-1) };
    canvas.addEventListener('keydown', event => {
        const action = !event.ctrlKey && !event.altKey && !event.metaKey && keys[event.key];
        if (!action) return;
        event.preventDefault();
        event.stopPropagation();
        action();
    });
    canvas.addEventListener('pointerdown', drag);
    canvas.addEventListener('pointermove', onMove);
    canvas.addEventListener('pointerleave', () => { tip.hidden = true; });
    canvas.addEventListener('wheel', onWheel, { passive: false });
    filter.addEventListener('input', draw);

    const waitsTable = asTable(['who', 'blocked for', 'on', 'since', 'for', 'ended by', ''], () => T.waits, w =>
        [T.who(w.pid, w.event), blockReason(w), w.on || '-', secondsText(w.from), durationText(w.to - w.from), untilText(w),
            button('select', () => selectWait(w), { class: 'link' })], 'waits-table');
    const legend = h('p', { class: 'legend' });
    function fillLegend() {
        const item = (name, text) => h('span', {}, h('i', { class: `swatch ${name}` }), text);
        legend.replaceChildren(item('run', 'runs'), item('ready', 'ready'), item('vfork', 'blocked: its vfork child has its memory'), item('wait', 'waits for a child'),
            item('sleep', 'blocked for something else'), item('zombie', 'zombie'), item('call', 'in a call'),
            ...REASON_GROUPS.map(g => item(`r-${g}`, `writes: ${GROUP_TEXT[g]}`)));
    }
    function build() {
        fillLegend();
        return section('timeline', 'Timeline',
            h('div', { class: 'tools' }, button('+', () => zoom(0.6), { 'aria-label': 'Zoom in' }), button('−', () => zoom(1.6), { 'aria-label': 'Zoom out' }),
                button('all', () => change({ from: 0, to: T.head.ns || 1 })), button('◀', () => pan(-0.3), { 'aria-label': 'Earlier' }),
                button('▶', () => pan(0.3), { 'aria-label': 'Later' }), filter, saveButton(() => canvas, 'timeline')),
            h('div', { class: 'picture' }, canvas, tip), note, legend, waitsTable);
    }
    onChange(changed => {
        if (['from', 'to', 'pid', 'event', 'wait', 'call', 'theme', 'events', 'trace'].some(k => k in changed)) draw();
        if ('trace' in changed) waitsTable.refill();
    });
    return { build, draw, reveal };
})();

function showTask(pid) {
    const t = T.taskOf.get(pid);
    if (!t) return;
    const made = T.lists.call_kind[t.made_by];
    const status = t.status & 127 ? `signal ${signalText(t.status & 127)}` : `status ${(t.status >> 8) & 255}`;
    showDetails(T.title(pid),
        facts([
            ['names', [...new Set((T.namesOf.get(pid) || []).map(n => n.name))].join(', then ')],
            ['made', t.made_call ? [`by ${T.title(t.parent)}, ${made}, `, callLink(t.made_call)] : 'by the kernel'],
            ['lived', `${secondsText(t.born)} to ${t.ended ? secondsText(t.ended) : 'the end'}`],
            ['ended', t.ended ? status : 'no'],
        ]),
        h('div', { class: 'scroll' }, table(['call', 'took', 'entries', 'faults'], (T.callsOf.get(pid) || []).slice(0, 100).map(c =>
            [callLink(c.number), durationText(c.to - c.from), c.writes, c.faults]))));
}
