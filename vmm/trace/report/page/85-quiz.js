// 85-quiz.js - questions for a class, made from the trace: what comes next is hidden until asked for.
// A number chooses the questions, so that all in a room get the same.

const quiz = (() => {
    const seed = h('input', { type: 'number', value: '1', min: '1', 'aria-label': 'Number of the set of questions' });
    const body = h('div', { class: 'question', 'aria-live': 'polite' });
    let hidden = 0, asked = 0, right = 0, random = null;

    function generator(n) {     // mulberry32
        let a = n >>> 0;
        return () => {
            a = (a + 0x6d2b79f5) | 0;
            let t = Math.imul(a ^ (a >>> 15), 1 | a);
            t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
            return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
        };
    }
    const pick = list => list[Math.floor(random() * list.length)];
    function mixed(list) {
        const out = [...list];
        for (let i = out.length - 1; i > 0; i--) { const k = Math.floor(random() * (i + 1)); [out[i], out[k]] = [out[k], out[i]]; }
        return out;
    }

    // --- kinds of questions: {ask, choices, answer, why, event}, or nothing if the trace has none
    function entryQuestion() {
        const names = ['cow_break', 'demand_zero', 'demand_file', 'fork_wrprotect', 'mkwrite'];
        const list = T.eventsOf('pte_write').filter(i => names.includes(T.lists.pt_reason[T.reason[i]]));
        if (!list.length) return null;
        const byReason = grouped(list.map(i => ({ i, r: T.reason[i] })), 'r'), { i } = pick(pick([...byReason.values()]));
        const reason = T.lists.pt_reason[T.reason[i]], e = T.entries, at = T.at[i];
        return { event: i, ask: `${T.who(T.pid[i], i)}${T.call[i] ? ` is in ${T.callName(T.callOf.get(T.call[i]).nr)}` : ''} ` +
            `and the entry for ${addressText(T.va[i])} in address space ${T.mm[i]} holds ${pteText(e.oldLo[at], e.oldHi[at])}. It is written now. Why?`,
        choices: mixed(names), answer: reason, why: `event ${i} makes it ${pteText(e.newLo[at], e.newHi[at])}` };
    }
    function frameQuestion() {
        const list = T.eventsOf('pte_write').filter(i => T.lists.pt_reason[T.reason[i]] === 'cow_break');
        if (!list.length) return null;
        const i = pick(list), e = T.entries, at = T.at[i], moved = pfnOf(e.oldLo[at], e.oldHi[at]) !== pfnOf(e.newLo[at], e.newHi[at]);
        return { event: i, ask: `${T.who(T.pid[i], i)} writes to ${addressText(T.va[i])}; the entry holds ${pteText(e.oldLo[at], e.oldHi[at])}. Does the page get another frame?`,
            choices: ['another frame: somebody else uses the old one', 'the same frame: nobody else uses it any more'],
            answer: moved ? 'another frame: somebody else uses the old one' : 'the same frame: nobody else uses it any more',
            why: `event ${i}: ${pteText(e.oldLo[at], e.oldHi[at])} → ${pteText(e.newLo[at], e.newHi[at])}` };
    }
    function waitQuestion() {
        const list = T.waits.filter(w => blockReason(w) === 'vfork' && w.end_event);
        if (!list.length) return null;
        const w = pick(list), cause = T.lists.release_cause[w.release];
        return { event: w.end_event, show: w.event, ask: `${T.who(w.pid, w.event)} is blocked: ${w.on} has its memory. What lets it go on?`,
            choices: ['exec', 'exit', 'killed'], answer: cause, why: `event ${w.end_event}: ${w.ended_by}, after ${durationText(w.to - w.from)}` };
    }
    function costQuestion() {
        const list = T.calls.filter(c => c.child && ['fork', 'vfork', 'posix_spawn'].includes(T.lists.call_kind[c.kind]));
        if (!list.length) return null;
        const c = pick(list), answer = String(c.writes), pages = T.pagesAtCall.get(c.number) || 0;
        const choices = new Set([answer, '0', String(2 * pages + 7), String(c.writes + 11), String(pages)]);
        return { event: c.end_event, show: c.event - 1, ask: `${T.who(c.pid, c.event)} has ${countText(pages)} pages of its own memory and calls ${T.kindName(c)}. How many entries does the call write?`,
            choices: mixed([...choices].slice(0, 4)), answer, why: `call ${c.number} wrote ${c.writes} entries and made ${c.made} tables` };
    }

    function next() {
        if (!T.ready) return;
        random = random || generator(Number(seed.value) || 1);
        const made = mixed([entryQuestion, frameQuestion, waitQuestion, costQuestion]).map(f => f()).find(q => q);
        if (!made) { body.replaceChildren(h('p', {}, 'This trace has nothing to ask about: it needs a fork or a vfork.')); return; }
        asked++;
        hidden = made.event;
        goTo(made.show === undefined ? made.event - 1 : made.show);
        change({ quiz: asked });
        const result = h('p', { class: 'result', role: 'status' });
        const answer = choice => {
            if (!hidden) return;
            hidden = 0;
            right += choice === made.answer;
            result.replaceChildren(choice === made.answer ? 'Right: ' : `${choice ? 'No: ' : ''}${made.answer}; `, `${made.why}. `, eventLink(made.event, 'Look'));
            score.textContent = `${right} of ${asked} right`;
            change({ quiz: asked });
        };
        body.replaceChildren(h('p', { class: 'ask' }, `${asked}. ${made.ask}`),
            h('div', { class: 'tools' }, made.choices.map(c => button(c, () => answer(c))), button('Reveal', () => answer(''), { class: 'link' })), result,
            button('Next question', next));
        body.querySelector('button').focus({ preventScroll: true });
    }
    const score = h('span', { class: 'note' });
    seed.addEventListener('change', () => { random = null; asked = right = 0; score.textContent = ''; });
    function build() {
        return section('quiz', 'Questions for a class', h('p', {}, 'Entries and lines that would tell the answer are hidden until you choose. The same number gives everybody the same questions.'),
            h('div', { class: 'tools' }, h('label', {}, 'Set ', seed), button('Ask', next), score), body);
    }
    onChange(changed => { if ('trace' in changed) { random = null; hidden = 0; body.replaceChildren(); } });
    return { build, hides: event => event === hidden };
})();
