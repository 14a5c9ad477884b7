// large.js PAGE - a page of a million events: soon there, and quick.
'use strict';
const fs = require('node:fs');
const { result, is, open, main } = require('./tap.js');
const slow = Number(process.env.SLOW) || 1;

main(async browser => {
    const file = process.argv[2];
    let first = Infinity, page;
    for (let round = 0; round < 3 && !(first < 2000); round++) {    // what else the machine does is not the page's fault
        page = await open(browser, file);
        first = Math.min(first, Number(await page.run('document.documentElement.dataset.picture')) / slow);
    }
    const n = await page.run('forkscope.trace().n'), bytes = fs.statSync(file).size;
    result(n >= 1e6, `it has ${n} events`);
    result(bytes <= 12 * n && bytes <= 12.5e6, `at most 12 bytes an event: ${(bytes / n).toFixed(1)}`);
    result(first < 2000, `the first picture is there within 2 s: ${Math.round(first)} ms`);
    const moved = await page.run(`(async () => { const s = document.getElementById('slider'), from = performance.now();
        s.value = ${Math.round(n * 0.9)}; s.dispatchEvent(new Event('input')); await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        return performance.now() - from; })()`);
    result(moved < 4000 * slow, `the slider moves over nearly all of it: ${Math.round(moved)} ms`);
    is('no error on the console', page.trouble, []);
});
