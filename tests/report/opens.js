// opens.js PAGE... - pages of traces that are old, broken or empty open, and say what they are.
'use strict';
const path = require('node:path');
const { result, is, like, open, main } = require('./tap.js');

main(async browser => {
    for (const file of process.argv.slice(2)) {
        const name = path.basename(file, '.html'), page = await open(browser, file), n = await page.run('forkscope.trace().n');
        for (const part of [0.2, 0.6, 1]) {
            await page.run(`(() => { const s = document.getElementById('slider'); s.value = ${Math.round(n * part)}; s.dispatchEvent(new Event('input')); })()`);
            await page.frame();
        }
        await page.run('document.querySelectorAll("details").forEach(d => { d.open = true; })');
        await page.key('q');
        const verdict = await page.run('document.getElementById("verdict").innerText');
        if (name === 'empty') is('empty: there is nothing to see', n, 0);
        else result(n > 0, `${name}: ${n} events`);
        if (name === 'broken') like('broken: it says so', verdict, /not complete[^]*what comes after it in this stream is not read/);
        if (name === 'wrong') like('wrong: lint\'s verdict is at the top, with the event', verdict, /T1.* FAIL[^]*#\d+/);
        is(`${name}: no error on the console`, page.trouble, []);
        await page.send('Page.close').catch(() => {});
    }
});
