// 55-details.js - what is selected, in words: a wait, a call, an entry's history.

const details = h('aside', { id: 'details', 'aria-live': 'polite', tabindex: '-1' });
function showDetails(title, ...children) {
    details.dataset.of = '';
    details.replaceChildren(h('h3', {}, title), ...children.filter(c => c));
}
function facts(list) {
    return h('dl', {}, list.filter(x => x).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

function selectWait(w) {
    change({ wait: w, pid: w.pid, event: w.event });
    showWait(w);
}
function blockReason(w) { return T.lists.block_reason[w.reason] || '?'; }
function untilText(w) {
    return w.end_event ? w.ended_by : `${w.ended_by}: it never ended`;
}
function showWait(w) {
    const reason = blockReason(w), who = T.who(w.pid, w.event);
    showDetails(`${who} stood still for ${durationText(w.to - w.from)}`,
        facts([
            ['why', `blocked for ${reason}` + (reason === 'vfork' ? ': its child runs in its memory' : '')],
            ['on whom', w.on || '-'],
            ['until', untilText(w)],
            ['in', w.call ? callLink(w.call) : 'a call that was not recorded'],
            ['from', [secondsText(w.from), ' ', eventLink(w.event)]],
            ['to', [secondsText(w.to), ' ', w.end_event ? eventLink(w.end_event) : '']],
            w.by_call ? ['ended in', callLink(w.by_call)] : null,
        ]));
}

function selectCall(number) {
    const c = T.callOf.get(number);
    if (!c) return;
    change({ call: number, pid: c.pid, event: c.event });
    showCall(c);
}

// What a call wrote, neighbours in one row: as vmm-trace call.
function runsOfCall(c) {
    const runs = [];
    for (let i = c.event; i <= c.end_event; i++) {
        if (T.call[i] !== c.number || !T.isPt(i)) continue;
        const last = runs[runs.length - 1], at = T.at[i], e = T.entries;
        if (last && last.mm === T.mm[i] && last.level === T.level[i] && last.reason === T.reason[i] &&
            last.va + last.n * spanOf(last.level) === T.va[i]) {
            last.n += T.len[i];
            last.changed += T.writesOf(i);
        } else {
            runs.push({ event: i, mm: T.mm[i], level: T.level[i], reason: T.reason[i], va: T.va[i], n: T.len[i],
                changed: T.writesOf(i), old: pteText(e.oldLo[at], e.oldHi[at]), now: pteText(e.newLo[at], e.newHi[at]) });
        }
    }
    return runs;
}
function returnText(c) {
    return c.flags & 2 ? String(BigInt.asIntN(64, big(c.ret))) : c.flags & 4 ? 'does not return' : 'had not ended';
}
function showCall(c) {
    const inferred = c.flags & 1, runs = T.ready ? runsOfCall(c) : [];
    const sums = new Map();
    for (const r of runs) sums.set(r.reason, (sums.get(r.reason) || 0) + r.changed);
    const why = [...sums].map(([r, n]) => `${countText(n)} ${T.lists.pt_reason[r]}`).join(', ');
    const enter = T.ready && !inferred ? `(${callArguments(T, c.event).join(', ')})` : '';
    showDetails(`Call ${c.number}: ${T.callName(c.nr)}${enter}`,
        facts([
            ['by', `${T.who(c.pid, c.event)}, address space ${c.mm}`],
            ['gives', returnText(c)],
            inferred ? ['note', 'inferred from what was written; the call itself was not recorded'] : null,
            ['time', [durationText(c.to - c.from), c.blocked ? `, blocked for ${durationText(c.blocked)} of it` : '', ' ',
                eventLink(c.event, `from #${c.event}`), ' ', eventLink(c.end_event, `to #${c.end_event}`)]],
            ['entries', `${countText(c.writes)} written${why ? `: ${why}` : ''}`],
            ['tables', `${c.made} made, ${c.freed} freed; ${c.faults} page faults, ${c.flushes} TLB flushes`],
            c.child ? ['child', [T.who(c.child, c.end_event), ' ',
                button('side by side after it', () => showPairOf(c), { class: 'link' })]] : null,
            ['also', button('its events', () => filterEvents(`call=${c.number}`), { class: 'link' })],
        ]),
        runs.length ? h('div', { class: 'scroll' }, table(['event', 'mm', 'entries from', 'written', 'why, and the first change'],
            runs.slice(0, 200).map(r => [eventLink(r.event), String(r.mm), [T.lists.pt_level[r.level], ' ',
                button(addressText(r.va), () => selectEntry(r.mm, r.va, r.level), { class: 'link mono', title: 'History of this entry' })],
            r.changed, [T.lists.pt_reason[r.reason], h('div', { class: 'mono' }, `${r.old} → ${r.now}`)]]))) : null,
        runs.length > 200 ? h('p', {}, `${countText(runs.length - 200)} more rows: see its events.`) : null);
}

// --- the history of an entry -------------------------------------------------------------

// That of the address space, and, since a fork may share tables, of the table that it has there now.
function historyOf(mm, va, level) {
    const span = spanOf(level), at = Math.floor(va / span) * span, list = [];
    const now = machine.tableFor(mm, at, level), gone = now ? T.eventsOf('table_free').find(i => i > now.made && T.table[i] === now.pfn) || T.n : 0;
    for (let i = 1; i <= T.n; i++)
        if (T.level[i] === level && T.isPt(i) && T.va[i] <= at && at < T.va[i] + T.len[i] * span &&
            (T.mm[i] === mm || (now && T.table[i] === now.pfn && i >= now.made && i <= gone)))
            list.push({ event: i, entry: T.at[i] + (at - T.va[i]) / span });
    return list;
}
// The page fault that a write answers, if it does: the task's last event before that was no write.
function causeOf(i) {
    for (let k = i; k > 0 && k > i - 64; k--) {
        if (T.pid[k] !== T.pid[i] || T.cpu[k] !== T.cpu[i]) continue;
        if (T.id[k] === EV.page_fault) return ['fault ', eventLink(k)];
        if (T.call[i] && k < i - 40) break;
    }
    return T.call[i] ? callLink(T.call[i]) : '-';
}
const FAULT_GROUPS = new Set(['fault', 'cow']);
function selectEntry(mm, va, level) {
    change({ mm, entry: { mm, va, level } });
    showEntry(state.entry);
}
function showEntry(entry) {
    const { mm, va, level } = entry, list = T.ready ? historyOf(mm, va, level) : [];
    let last = -1;
    list.forEach((x, k) => { if (x.event <= state.event) last = k; });
    const step = by => {
        const k = by > 0 ? list.findIndex(x => x.event > state.event) : (list[last] && list[last].event === state.event ? last - 1 : last);
        if (list[k]) goTo(list[k].event);
    };
    showEntry.step = step;
    const e = T.entries, x = list[last];
    const changeOf = y => h('span', { class: 'mono' }, `${pteText(e.oldLo[y.entry], e.oldHi[y.entry])} → ${pteText(e.newLo[y.entry], e.newHi[y.entry])}`);
    const cause = y => FAULT_GROUPS.has(groupOf(T.reason[y.event])) ? causeOf(y.event) : T.call[y.event] ? callLink(T.call[y.event]) : '-';
    showDetails(`${T.lists.pt_level[level]} entry for ${addressText(va)} in address space ${mm}`,
        x ? facts([
            ['last changed', [secondsText(T.ns[x.event]), ' by ', T.who(T.pid[x.event], x.event), ' ', eventLink(x.event)]],
            ['why', [T.lists.pt_reason[T.reason[x.event]], ', in ', cause(x)]],
            ['change', changeOf(x)],
        ]) : h('p', {}, `Up to this moment nobody has written it${list.length ? '; later it is' : ''}.`),
        h('p', {}, button('◀ previous write', () => step(-1)), ' ', button('next write ▶', () => step(1))),
        h('div', { class: 'scroll' }, table(['event', 'by', 'why, and the change'], list.slice(0, TABLE_ROWS).map((y, k) => ({
            attributes: k === last ? { class: 'now' } : {},
            cells: [[eventLink(y.event), h('div', {}, secondsText(T.ns[y.event]))], T.who(T.pid[y.event], y.event),
                [quiz.hides(y.event) ? '?' : [T.lists.pt_reason[T.reason[y.event]], ', in ', cause(y), h('div', {}, changeOf(y))]]],
        })))));
    details.dataset.of = 'entry';
    showEntry.shown = entry;
}

onChange(changed => {
    if ('event' in changed && details.dataset.of === 'entry') showEntry(showEntry.shown);
});
