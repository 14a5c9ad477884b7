// browser.js - drives a headless Chromium through its DevTools protocol, by the pipe that
// --remote-debugging-pipe gives: messages are JSON, each ended by NUL, on descriptors 3 and 4.
//
// Twenty methods of the protocol are enough here, so there is no library: nothing to fetch, and
// no version of it that must fit the browser's.
'use strict';
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

class Browser {
    static async start() {
        const browser = new Browser();
        browser.profile = fs.mkdtempSync(path.join(os.tmpdir(), 'report-'));
        browser.process = spawn('chromium-headless-shell', ['--remote-debugging-pipe', '--no-sandbox', '--disable-gpu',
            '--hide-scrollbars', '--no-first-run', '--disable-dev-shm-usage', `--user-data-dir=${browser.profile}`, 'about:blank'],
        { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
        browser.dead = new Promise((_, reject) => {
            browser.process.on('error', reject);
            browser.process.on('exit', code => reject(new Error(`the browser ended with status ${code}`)));
        });
        browser.dead.catch(() => {});
        browser.waiting = new Map();
        browser.listeners = [];
        browser.number = 0;
        let rest = '';
        browser.process.stdio[4].setEncoding('utf8').on('data', data => {
            const messages = (rest + data).split('\0');
            rest = messages.pop();
            for (const m of messages) browser.take(JSON.parse(m));
        });
        return browser;
    }
    take(message) {
        if (message.id === undefined) { for (const l of this.listeners) l(message); return; }
        const { done, failed } = this.waiting.get(message.id);
        this.waiting.delete(message.id);
        if (message.error) failed(new Error(message.error.message)); else done(message.result);
    }
    send(method, params = {}, sessionId) {
        const id = ++this.number;
        const answer = new Promise((done, failed) => this.waiting.set(id, { done, failed }));
        this.process.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0');
        return Promise.race([answer, this.dead]);
    }
    async page() {
        const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
        const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
        const page = new Page(this, sessionId);
        await page.begin();
        return page;
    }
    async end() {
        this.process.removeAllListeners('exit');
        const gone = new Promise(done => this.process.on('exit', done));
        this.send('Browser.close').catch(() => {});
        await gone;
        fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
    }
}

class Page {
    constructor(browser, session) {
        this.browser = browser;
        this.session = session;
        this.trouble = [];      // errors, on the console or thrown
        this.requests = [];     // what it asked the network for
    }
    send(method, params) { return this.browser.send(method, params, this.session); }
    async begin() {
        this.browser.listeners.push(m => {
            if (m.sessionId !== this.session) return;
            const p = m.params;
            if (m.method === 'Runtime.exceptionThrown') this.trouble.push(p.exceptionDetails.exception?.description || p.exceptionDetails.text);
            if (m.method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(p.type)) this.trouble.push(p.args.map(a => a.value || a.description).join(' '));
            if (m.method === 'Log.entryAdded' && p.entry.level === 'error') this.trouble.push(p.entry.text);
            if (m.method === 'Network.requestWillBeSent') this.requests.push(p.request.url.slice(0, 80));
        });
        for (const domain of ['Runtime', 'Log', 'Page', 'Network']) await this.send(`${domain}.enable`);
        await this.size(1400, 900);
    }
    size(width, height) { return this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false }); }
    media(scheme, media = '') {
        return this.send('Emulation.setEmulatedMedia', { media, features: [{ name: 'prefers-color-scheme', value: scheme }] });
    }
    async open(file) { await this.send('Page.navigate', { url: `file://${path.resolve(file)}` }); }
    async run(expression) {
        const r = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
        if (r.exceptionDetails) throw new Error(r.exceptionDetails.exception?.description || r.exceptionDetails.text);
        return r.result.value;
    }
    // Until the expression is true; its value.
    async until(expression, what = expression, seconds = 20) {
        for (const end = Date.now() + 1000 * seconds * (Number(process.env.SLOW) || 1); ;) {
            const value = await this.run(expression).catch(() => undefined);
            if (value) return value;
            if (Date.now() > end) throw new Error(`this did not come true: ${what}`);
            await new Promise(done => setTimeout(done, 20));
        }
    }
    // A frame later, whatever was asked for is drawn.
    frame() { return this.run('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))'); }
    async key(key, modifiers = 0) {
        const text = key.length === 1 ? key : key === 'Enter' ? '\r' : undefined;
        const code = { Enter: 13, ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40, Tab: 9, End: 35, Home: 36 }[key] || key.toUpperCase().charCodeAt(0);
        await this.send('Input.dispatchKeyEvent', { type: 'keyDown', key, text, modifiers, windowsVirtualKeyCode: code });
        await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, modifiers, windowsVirtualKeyCode: code });
        await this.frame();
    }
    async click(x, y) {
        for (const type of ['mousePressed', 'mouseReleased'])
            await this.send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
        await this.frame();
    }
    // In the middle of an element, which is scrolled into view first.
    async clickOn(selector, dx, dy) {
        const box = await this.run(`(() => { const e = document.querySelector(${JSON.stringify(selector)}); e.scrollIntoView({ block: 'center' });
            const r = e.getBoundingClientRect(); return { x: r.x, y: r.y, w: r.width, h: r.height }; })()`);
        await this.click(box.x + (dx === undefined ? box.w / 2 : dx), box.y + (dy === undefined ? box.h / 2 : dy));
    }
    async picture(file, clip) {
        const { data } = await this.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true, ...(clip ? { clip: { scale: 1, ...clip } } : {}) });
        fs.writeFileSync(file, Buffer.from(data, 'base64'));
    }
    async part(file, selector, scale = 1) {
        const box = await this.run(`(() => { const r = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
            return { x: r.x + scrollX, y: r.y + scrollY, width: r.width, height: r.height }; })()`);
        await this.picture(file, { ...box, scale });
    }
}
module.exports = { Browser };
