// tap.js - what the tests of the page share: TAP, the tools beside it, the page opened.
'use strict';
const { execFileSync } = require('node:child_process');
const { Browser } = require('./browser.js');

let tests = 0;
function result(holds, name, ...why) {
    tests++;
    console.log(`${holds ? 'ok' : 'not ok'} ${tests} - ${name}`);
    if (!holds) for (const line of why.join('\n').split('\n').slice(0, 30)) console.log(`#   ${line.slice(0, 200)}`);
    return holds;
}
const is = (name, got, want) => result(JSON.stringify(got) === JSON.stringify(want), name, `got:  ${JSON.stringify(got)}`, `want: ${JSON.stringify(want)}`);
const like = (name, got, want) => result(want.test(got), name, `no match for: ${want}`, `in: ${got}`);

const tool = (...args) => execFileSync(`${process.env.O || 'build'}/vmm-trace`, args, { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'pipe'] });
const lines = text => text.split('\n').slice(0, -1);

// Opens the page, and waits until all of the trace is in it.
async function open(browser, file, scheme = 'light') {
    const page = await browser.page();
    await page.media(scheme);
    await page.open(file);
    await page.until('document.documentElement.dataset.ready', `${file} is read`, 60);
    await page.frame();
    return page;
}

function main(run) {
    const limit = setTimeout(() => { console.log('Bail out! no end in sight'); process.exit(1); }, 150e3 * (Number(process.env.SLOW) || 1));
    (async () => {
        const browser = await Browser.start();
        try {
            await run(browser);
            console.log(`1..${tests}`);
        } finally {
            await browser.end();
            clearTimeout(limit);
        }
    })().catch(error => { console.log(`not ok ${tests + 1} - it goes to its end\n# ${String(error.stack).replace(/\n/g, '\n# ')}`); process.exitCode = 1; });
}
module.exports = { result, is, like, tool, lines, open, main };
