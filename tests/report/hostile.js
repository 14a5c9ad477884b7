// hostile.js PAGE - names that are markup, that end scripts and strings: they are text.
'use strict';
const { result, is, like, open, main } = require('./tap.js');

main(async browser => {
    const page = await open(browser, process.argv[2]);
    is('no element came from a name', await page.run('document.querySelectorAll("main img, main b, main i:not(.swatch), main script, main iframe").length'), 0);
    is('... and no script ran', await page.run('typeof window.hacked'), 'undefined');
    const names = await page.run('[...new Set(forkscope.trace().names.map(n => n.name))]');
    result(names.includes('<b>bold'), 'the name is there, as it is', names.join(' '));
    result(names.some(n => /^a\?+b$/.test(n)), 'U+2028 and bytes that are no UTF-8 are question marks', names.join(' '));
    like('a task of that name is shown', await page.run('document.getElementById("pair").innerText + document.getElementById("calls").innerText'), /<b>bold\[\d+\]/);
    const line = await page.run('(() => { const t = forkscope.trace(); return t.eventsOf("exec_args").map(i => forkscope.line(i)).find(l => l.includes("onerror")); })()');
    like('arguments that are markup are text', line, /<\/script><img src=x onerror=window\.hacked=1>/);
    await page.run(`(() => { const f = document.getElementById('filter'); f.value = 'onerror'; f.dispatchEvent(new Event('input')); })()`);
    await page.until('document.querySelector("#events .lines").textContent.includes("onerror")', 'the list finds them');
    is('... in the list, too', await page.run('document.querySelectorAll("#events img").length'), 0);
    for (const task of await page.run('forkscope.trace().tasks.map(t => t.pid)')) {
        await page.key('t');
        await page.key('ArrowDown');
        void task;
    }
    is('... and in the details', await page.run('document.querySelectorAll("#details img, #details b").length + Number("hacked" in window)'), 0);
    is('no error on the console', page.trouble, []);
    // Were it markup after all, nothing of it would run.
    await page.run(`document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.hacked = 1"><iframe srcdoc="<script>parent.hacked = 1</scr' + 'ipt>"></iframe>');
        document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.hacked = 1' }))`);
    await new Promise(done => setTimeout(done, 300));
    is('the policy lets no other script run', await page.run('typeof window.hacked'), 'undefined');
    result(page.trouble.some(t => /Content Security Policy/.test(t)), '... and says so');
});
