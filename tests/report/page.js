// page.js TRACE PAGE - the page shows the trace: what it says is what the commands say, and the
// mouse, the keyboard, paper and both themes work.
'use strict';
const { result, is, like, tool, lines, open, main } = require('./tap.js');
const [, , trace, file] = process.argv;
const details = 'document.getElementById("details").innerText';
const text = selector => `document.querySelector(${JSON.stringify(selector)}).innerText`;

async function sameAsCommands(page) {
    const mine = await page.run('Array.from({ length: forkscope.trace().n }, (_, i) => forkscope.line(i + 1))');
    const want = lines(tool('print', trace));
    const differs = want.findIndex((line, i) => line !== mine[i]);
    result(differs < 0 && mine.length === want.length, `each of ${want.length} events is shown as vmm-trace print shows it`, want[differs], mine[differs]);

    const n = want.length;
    for (const event of [1, 4, 5, 8, 3, 10].map(k => Math.round(n * k / 10))) {
        const mms = await page.run(`(() => { forkscope.leaves(${event}, 1); return [...new Set(forkscope.trace().owners.filter(o => o.event <= ${event}).map(o => o.mm))].slice(-4); })()`);
        for (const mm of mms.filter(m => m > 0)) {
            let want;       // not all of them live then
            try { want = JSON.parse(tool('at', '--json', '--mm', String(mm), trace, `#${event}`)).entries; } catch (e) { continue; }
            const mine = await page.run(`forkscope.leaves(${event}, ${mm})`);
            is(`address space ${mm} after event ${event} is that of vmm-trace at`, mine, want.map(e => ({ va: e.va, level: e.level, entry: e.entry })));
        }
    }
}

// Each call once, with what it cost: of a thread that execs, too, which ends its call under its leader's number.
async function eachCall(page) {
    const mine = await page.run('forkscope.trace().calls.map(c => [c.number, c.writes, c.end_event, c.flags >> 1 & 1])');
    is('calls are numbered from 1', mine.map(c => c[0]), mine.map((c, i) => i + 1));
    const want = mine.map(c => {
        const call = JSON.parse(tool('call', '--json', trace, String(c[0])));
        return [c[0], Object.values(call.writes).reduce((a, b) => a + b, 0), call.to_event, 'returned' in call ? 1 : 0];
    });
    is('each cost what vmm-trace call says', mine.filter((c, i) => String(c) !== String(want[i])), []);
}

async function verdict(page) {
    const checks = JSON.parse(tool('lint', '--json', trace)).checks;
    like('the strip says what lint says', await page.run(text('#verdict')), new RegExp(`lint: ${checks.length} checks pass`));
    like('... and the audit', await page.run(text('#verdict')), /audit: memory is what the events say/);
    like('... and that nothing was lost', await page.run(text('#verdict')), /lost 0/);
    await page.run('document.getElementById("checks").open = true');
    is('all checks are listed', await page.run('document.querySelectorAll("#checks tbody tr").length'), checks.length);
}

// Where the timeline has a wait: found by the pointer's label, as a person would.
async function findOnTimeline(page, wanted) {
    await page.run('document.querySelector("#timeline canvas").scrollIntoView({ block: "center" })');
    const box = await page.run('(() => { const r = document.querySelector("#timeline canvas").getBoundingClientRect(); return { x: r.x, y: r.y, w: r.width, h: r.height }; })()');
    for (let y = 30; y < box.h; y += 5)
        for (let x = 175; x < box.w; x += 12) {
            await page.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x: box.x + x, y: box.y + y });
            const tip = await page.run('(document.querySelector(".tip").hidden ? "" : document.querySelector(".tip").textContent)');
            if (wanted.test(tip)) return { x: box.x + x, y: box.y + y };
        }
    throw new Error(`nowhere on the timeline: ${wanted}`);
}

async function threeQuestions(page) {
    const waits = JSON.parse(tool('blocked', '--json', trace)).waits;
    const wait = waits.filter(w => w.reason === 'vfork' && w.release === 'exit').sort((a, b) => b.for_ns - a.for_ns)[0];
    const at = await findOnTimeline(page, new RegExp(`^${wait.comm}\\[${wait.pid}\\]: vfork`));
    await page.click(at.x, at.y);
    const said = await page.run(details);
    like('one click: why this parent was blocked', said, /blocked for vfork/);
    like('... on whom', said, new RegExp(`on whom\\s+${wait.on.replace(/[[\]]/g, '\\$&')}`));
    like('... until what', said, new RegExp(`until\\s+exit: .*\\[${wait.by_pid}\\] in call ${wait.by_call} exit_group`));

    await page.run('[...document.querySelectorAll("#costs button.link")].find(b => b.textContent === "fork").click()');
    await page.frame();
    const number = await page.run('(() => { const b = [...document.querySelectorAll("#costs table")][1].querySelector("button.link"); b.click(); return Number(b.textContent.split(" ")[1]); })()');
    await page.frame();
    const call = JSON.parse(tool('call', '--json', trace, String(number))), fork = await page.run(details);
    for (const [reason, n] of Object.entries(call.writes)) like(`two clicks: call ${number} wrote ${n} for ${reason}`, fork, new RegExp(`\\b${n} ${reason}\\b`));
    is('... row by row', await page.run('document.querySelectorAll("#details tbody tr").length'), Math.min(200, call.entries.length));

    await page.run('[...document.querySelectorAll("#details tbody tr")].find(r => /PTE/.test(r.innerText)).querySelector("button.mono").click()');
    await page.frame();
    const entry = await page.run('document.querySelector("#details h3").textContent');
    const [, va, mm] = entry.match(/entry for (0x[0-9a-f]+) in address space (\d+)/);
    const want = lines(tool('who-wrote', '--all', '--mm', mm, trace, va)).filter(l => / PTE /.test(l)).map(l => l.trim().split(/\s+/)[1]);
    is('three clicks: who changed that entry, and when', (await page.run('[...document.querySelectorAll("#details tbody tr button:first-child")].filter(b => /^#/.test(b.textContent) && b.parentElement.cellIndex === 0).map(b => b.textContent.slice(1))')).sort(), want.sort());
    await page.clickOn('#tables canvas', 40, 8);
    like('a cell of the map answers, too', await page.run(details), /(last changed|nobody has written it)/);
}

// The address space of which most is written, and moments between its events.
async function slider(page) {
    const set = n => page.run(`(() => { const s = document.getElementById('slider'); s.value = ${n}; s.dispatchEvent(new Event('input')); })()`);
    const { mm, moments } = await page.run(`(() => {
        const t = forkscope.trace(), of = {};
        for (let i = 1; i <= t.n; i++) if (t.mm[i] && t.level[i] === 1 && t.isPt(i)) (of[t.mm[i]] = of[t.mm[i]] || []).push(i);
        const [mm, list] = Object.entries(of).sort((a, b) => b[1].length - a[1].length)[0];
        return { mm, moments: [0.1, 0.3, 0.5, 0.7, 0.9].map(part => list[Math.floor(list.length * part)]) };
    })()`);
    const seen = new Set();
    for (const moment of moments) {
        await set(moment);
        await page.frame();
        await page.run(`(() => { const s = document.querySelector('#tables select'); s.value = '${mm}'; s.dispatchEvent(new Event('change')); })()`);
        await page.frame();
        seen.add(await page.run(text('#tables .tree')));
    }
    result(seen.size >= 3, 'the slider moves the page tables');
    const there = await page.run(text('#tables .tree'));
    await set(moments[1]);
    await page.frame();
    await set(moments[4]);
    await page.frame();
    is('... and back, and forth again, they are the same', await page.run(text('#tables .tree')), there);
}

async function filters(page) {
    const count = async words => {
        await page.run(`(() => { const f = document.getElementById('filter'); f.value = ${JSON.stringify(words)}; f.dispatchEvent(new Event('input')); })()`);
        await page.run('new Promise(done => setTimeout(done, 200))');
        return Number((await page.run(text('#events .note'))).replace(/\u202f/g, '').split(' ')[0]);
    };
    const printed = (...options) => lines(tool('print', ...options, trace)).length;
    is('filter: reason', await count('reason=cow_break'), printed('--reason', 'cow_break'));
    is('filter: event', await count('event=page_fault,clone'), printed('--event', 'page_fault', '--event', 'clone'));
    is('filter: pid', await count('pid=3'), printed('--pid', '3'));
    is('filter: mm and event', await count('mm=2 event=pte_write'), printed('--mm', '2', '--event', 'pte_write'));
    is('filter: call', await count('call=6'), printed('--call', '6'));
    is('filter: va', await count('va=0x400000-0x500000 event=page_fault'), printed('--va', '0x400000-0x500000', '--event', 'page_fault'));
    await count('nonsense=1');
    like('a filter that is none is named', await page.run(text('#events .note')), /'nonsense=1' is no filter/);
    await count('reason=cow_break');
    const first = lines(tool('print', '--reason', 'cow_break', '--head', '1', trace))[0];
    await page.run('document.querySelector("#events .list").focus()');
    await page.key('Home');
    is('the list has them', await page.run('document.querySelector("#events .line.now").textContent'), first);
    await page.key('ArrowDown');
    const second = lines(tool('print', '--reason', 'cow_break', '--head', '2', trace))[1];
    is('down goes to the next', await page.run('document.querySelector("#events .line.now").textContent'), second);
    await count('');
}

async function keyboard(page) {
    await page.run('document.activeElement.blur()');
    const now = () => page.run('Number(document.getElementById("slider").value)');
    const before = await now();
    await page.key('ArrowRight');
    is('right: the next event', await now(), before + 1);
    await page.key('ArrowLeft');
    is('left: the one before', await now(), before);
    await page.key('t');
    is('t: the timeline has the focus', await page.run('document.activeElement.tagName + document.activeElement.closest("section").id'), 'CANVAStimeline');
    let reached = '';
    for (let k = 0; k < 12 && !/blocked for vfork/.test(reached); k++) {
        await page.key(k % 3 ? 'n' : 'ArrowDown');
        reached = await page.run(details);
    }
    like('down and n: a parent that waits for its vfork child, without the mouse', reached, /stood still .*\s+why\s+blocked for/);
    await page.key('m');
    await page.key('ArrowRight');
    await page.key('Enter');
    like('m, right, Enter: the history of an entry', await page.run(details), /entry for 0x/);
    await page.key('?');
    is('?: the keys', await page.run('document.getElementById("help").open'), true);
    await page.run('document.getElementById("help").close()');
    await page.key('/');
    is('/: the filter', await page.run('document.activeElement.id'), 'filter');
    await page.run('document.activeElement.blur()');
}

async function questions(page) {
    await page.key('q');
    like('q: a question', await page.run(text('#quiz .ask')), /^1\. .*\?$/);
    const ask = await page.run(text('#quiz .ask'));
    await page.run('[...document.querySelectorAll("#quiz .question button")].find(b => b.textContent === "Reveal").click()');
    await page.frame();
    like('its answer', await page.run(text('#quiz .result')), /event \d+|call \d+/);
    await page.run('(() => { const s = document.querySelector("#quiz input"); s.dispatchEvent(new Event("change")); document.querySelector("#quiz .tools button").click(); })()');
    await page.frame();
    is('the same number asks the same', await page.run(text('#quiz .ask')), ask);
}

async function tablesForPictures(page) {
    for (const id of ['waits-table', 'tables-table', 'pair-table', 'curve-table']) {
        await page.run(`document.getElementById("${id}").open = true`);
        await page.frame();
        result(await page.run(`document.querySelectorAll("#${id} tbody tr").length`) > 0, `${id} has rows`);
    }
}

async function paperAndThemes(page) {
    const ground = () => page.run('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await page.media('dark');
    const dark = await ground();
    result(light === 'rgb(255, 255, 255)' && dark !== light, 'dark where the system is dark', light, dark);
    await page.key('d');
    is('d: light, and dark again', await ground(), light);
    await page.key('d');
    const pdf = await page.send('Page.printToPDF', { printBackground: true });
    result(Buffer.from(pdf.data, 'base64').length > 20000, 'it prints');
    is('... and is as it was', await ground(), dark);
    await page.media('light', 'print');
    is('on paper there are no buttons', await page.run('[...document.querySelectorAll("button:not(.link):not(.branch):not(.leaf), input, select, nav")].filter(e => e.offsetParent !== null).map(e => e.textContent)'), []);
    like('... but the moment', await page.run(text('.moment')), /\d+\.\d{9} s, event \d+/);
    await page.media('light');
}

main(async browser => {
    const page = await open(browser, file);
    await sameAsCommands(page);
    await eachCall(page);
    await verdict(page);
    await threeQuestions(page);
    await slider(page);
    await filters(page);
    await keyboard(page);
    await questions(page);
    await tablesForPictures(page);
    await paperAndThemes(page);
    is('no error, no warning on the console', page.trouble, []);
    is('nothing but the file itself was asked for', page.requests.filter(r => !r.startsWith('file:') && !r.startsWith('blob:')), []);
});
