// two.js TRACE TRACE2 PAGE - two traces in one page.
'use strict';
const { is, like, tool, open, main } = require('./tap.js');
const [, , first, second, file] = process.argv;

main(async browser => {
    const page = await open(browser, file);
    const want = JSON.parse(tool('diff', '--json', first, second)).rows.filter(r => r.what === 'events' || (r.of === 'fork' && r.what === 'calls'));
    const rows = await page.run('[...document.querySelectorAll("#compare-table tbody tr")].map(r => [...r.cells].map(c => c.textContent.replace(/\\u202f/g, "")))');
    for (const w of want) is(`${w.of}: ${w.what}, as diff has them`, rows.find(r => r[0] === w.of && r[1] === w.what).slice(2, 4).map(Number), [w.first, w.second]);
    is('the first is shown', await page.run('document.getElementById("dir").textContent'), first);
    const n = await page.run('forkscope.trace().n');
    await page.run('delete document.documentElement.dataset.ready; document.querySelectorAll(".tabs button")[1].click()');
    await page.until('document.documentElement.dataset.ready', 'the second is read');
    is('then the second', await page.run('document.getElementById("dir").textContent'), second);
    is('... with its own events', await page.run('forkscope.line(forkscope.trace().n)'), tool('print', second).trimEnd().split('\n').pop());
    await page.run('document.querySelectorAll(".tabs button")[0].click()');
    await page.until(`forkscope.trace().n === ${n}`, 'and the first again');
    await page.frame();
    like('each with its verdict', await page.run('document.getElementById("verdict").innerText'), /lint: \d+ checks pass/);
    is('no error on the console', page.trouble, []);
});
