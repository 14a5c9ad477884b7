// pictures.js DIR - the pictures of the lessons, from the pages in DIR/NAME/lesson.html, and of
// README.md, from DIR/demo/report.html: for `make pictures`.
'use strict';
const { Browser } = require('./browser.js');
const from = process.argv[2];

const click = (where, name) => `[...document.querySelectorAll(${JSON.stringify(where)})].find(b => b.textContent.startsWith(${JSON.stringify(name)})).click();`;
const select = (where, name) => `(() => { const s = document.querySelector(${JSON.stringify(where)});
    s.value = [...s.options].find(o => new RegExp(${JSON.stringify(name)}).test(o.textContent)).value; s.dispatchEvent(new Event('change')); })();`;

// A wait, by its row in the table under the timeline.
const wait = row => `(async () => { const d = document.getElementById('waits-table'); d.open = true; await new Promise(done => setTimeout(done, 100));
    [...d.querySelectorAll('tbody tr')].find(r => new RegExp(${JSON.stringify(row)}).test([...r.cells].map(c => c.textContent).join(' '))).querySelector('button').click(); d.open = false; })()`;

// What to do, one after the other; and what to show.
const lessons = {
    'fork-copies': { steps: [select('#pair select', '^fork: forkdemo'), click('#pair .moments button', 'after the')], show: '#pair' },
    'vfork-does-not': { steps: [], show: ['#costs .picture:last-of-type', '#calls'] },
    'parent-stands-still': { steps: [wait('^vforkdemo.* vfork ')], show: '.beside' },
    'copy-on-write': { steps: [select('#pair select', '^fork: forkdemo'), click('#pair .moments button', 'after the'), 'COW-CELL'], show: ['#details', '#tables'] },
    'exec-throws-away': { steps: [select('#pair select', '^fork: sh'), click('#pair .moments button', 'after its exec')], show: '#pair' },
    pipeline: { steps: [wait('^sh.* pipe_write ')], show: '.beside' },
    'container-start': { steps: [wait('^make.* vfork ')], show: '.beside' },
    threads: { steps: [select('#calls select:nth-of-type(1)', 'thread'), select('#calls select:nth-of-type(2)', 'fork')], show: '#calls' },
};

// One of the 64 pages, to be copied on write, and its place in its table.
const cowCell = `(() => {
    const t = forkscope.trace(), now = Number(document.getElementById('slider').value), mm = document.querySelector('#tables select').value;
    const leaf = forkscope.leaves(now, Number(mm)).filter(l => l.level === 'PTE' && (Number(BigInt(l.entry) & 0x200n)) && (BigInt(l.entry) & 0x400n))[30];
    const slot = Number((BigInt(leaf.va) >> 12n) & 511n);
    return { leaf, slot };
})()`;

async function shoot(page, file, show) {
    const parts = [].concat(show);
    if (parts.length === 1) return page.part(file, parts[0]);
    await page.run(`(() => { const box = document.createElement('div'); box.id = 'together';
        box.style.cssText = 'display: inline-block; padding: 6px 12px; background: var(--paper); width: 980px';
        for (const s of ${JSON.stringify(parts)}) box.append(document.querySelector(s));
        document.getElementById('page').prepend(box); })()`);
    await page.frame();
    return page.part(file, '#together');
}

(async () => {
    const browser = await Browser.start();
    for (const [name, { steps, show }] of Object.entries(lessons)) {
        const page = await browser.page();
        await page.size(1300, 1000);
        await page.media('light');
        await page.open(`${from}/${name}/lesson.html`);
        await page.until('document.documentElement.dataset.ready', `${name} is read`);
        for (const step of steps) {
            if (step === 'COW-CELL') {
                const { leaf, slot } = await page.run(cowCell);
                await page.run(`[...document.querySelectorAll('.tree button.branch')].find(b => b.textContent.includes('PTE') && BigInt(b.textContent.match(/  (0x[0-9a-f]+)/)[1]) === (BigInt('${leaf.va}') & ~0x1fffffn)).click()`);
                await page.frame();
                await page.clickOn('#tables canvas', 17 * (slot % 32) + 8, 17 * Math.floor(slot / 32) + 8);
            } else await page.run(step);
            await page.frame();
        }
        await page.run('document.querySelectorAll(".moment").forEach(e => { e.style.position = "static"; })');
        await shoot(page, `docs/lessons/img/${name}.png`, show);
    }
    for (const theme of ['light', 'dark']) {
        const page = await browser.page();
        await page.size(1300, 1000);
        await page.media(theme);
        await page.open(`${from}/demo/report.html`);
        await page.until('document.documentElement.dataset.ready', 'the demo is read');
        await page.run(wait('^vforkdemo.* vfork '));
        await page.frame();
        await page.run('document.querySelectorAll(".moment").forEach(e => { e.style.position = "static"; }); scrollTo(0, 0)');
        await page.frame();
        const end = await page.run('(() => { const r = document.querySelector("#pair").getBoundingClientRect(); return r.top + scrollY - 20; })()');
        await page.picture(`docs/img/report-${theme}.png`, { x: 0, y: 0, width: 1300, height: Math.round(end) });
        if (page.trouble.length) throw new Error(page.trouble.join('\n'));
    }
    await browser.end();
})().catch(error => { console.error(error); process.exit(1); });
