// 50-dom.js - elements, and the state that all pictures share.
//
// Text gets into the page as text nodes and attribute values only, never as markup: names in a
// trace are whatever a guest's program wanted them to be.

function h(name, attributes, ...children) {
    const element = document.createElement(name);
    setAttributes(element, attributes);
    element.append(...children.flat(Infinity).filter(c => c !== null && c !== undefined));
    return element;
}
function svg(name, attributes, ...children) {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    setAttributes(element, attributes);
    element.append(...children.flat(Infinity).filter(c => c !== null && c !== undefined));
    return element;
}
function setAttributes(element, attributes) {
    for (const [key, value] of Object.entries(attributes || {})) {
        if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
        else if (value === true) element.setAttribute(key, '');
        else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
    }
}
function button(text, action, attributes) {
    return h('button', { type: 'button', onclick: action, ...attributes }, text);
}
function section(id, title, ...children) {
    return h('section', { id, 'aria-labelledby': `${id}-title` }, h('h2', { id: `${id}-title` }, title), ...children);
}
function table(heads, rows, attributes) {
    return h('table', attributes, h('thead', {}, h('tr', {}, heads.map(t => h('th', { scope: 'col' }, t)))),
        h('tbody', {}, rows.map(row => h('tr', row.attributes, (row.cells || row).map(c =>
            h('td', typeof c === 'number' ? { class: 'number' } : {},
                typeof c === 'number' ? countText(c) : c))))));
}

// The same as a table, for those who cannot see the picture; made when it is opened.  rowOf makes a
// row of one of the list that listOf gives.
const TABLE_ROWS = 500;
function asTable(heads, listOf, rowOf, id) {
    const body = h('div', { class: 'scroll' });
    const fill = () => {
        if (!details.open) return;
        const list = listOf(), shown = list.slice(0, TABLE_ROWS);
        body.replaceChildren(table(heads, shown.map(rowOf)));
        if (list.length > shown.length)
            body.append(h('p', {}, `The first ${TABLE_ROWS} of ${countText(list.length)} rows.`));
    };
    const details = h('details', { class: 'as-table', id, ontoggle: fill }, h('summary', {}, 'As a table'), body);
    details.refill = fill;
    return details;
}

// --- state -------------------------------------------------------------------------------
// event: the moment, after that event.  The rest is what is selected.

const state = { event: 0, from: 0, to: 1, pid: 0, mm: 0, table: 0, entry: null, call: 0, wait: null };
const listeners = [];
let pending = null;
function onChange(listener) { listeners.push(listener); }
function change(patch) {
    if (!pending) requestAnimationFrame(flushChanges);
    pending = Object.assign(pending || {}, patch);
    Object.assign(state, patch);
}
function flushChanges() {
    const changed = pending || {};
    pending = null;
    for (const listener of listeners) listener(changed);
}

let T;          // the trace that is shown
let machine;    // its page tables at state.event

function goTo(event) { change({ event: Math.max(0, Math.min(T.n, event)) }); }
function eventLink(event, text) {
    return button(text || `#${event}`, () => goTo(event), { class: 'link', title: `Go to event ${event}` });
}
function callLink(number) {
    const c = T.callOf.get(number);
    return c ? button(`call ${number} ${T.callName(c.nr)}`, () => selectCall(number), { class: 'link' }) : 'no call';
}

// --- colours -----------------------------------------------------------------------------

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim(); }
const colours = {};
function readColours() {
    for (const name of ['ink', 'faint', 'line', 'paper', 'panel', 'accent', 'run', 'ready', 'vfork', 'wait', 'sleep',
        'zombie', 'cow', 'rw', 'rx', 'ro', 'kernel', 'link', 'warn', ...REASON_GROUPS.map(g => `r-${g}`)])
        colours[name] = colour(name);
}
// Reasons of page-table writes, by what they have in common.
const REASON_GROUPS = ['fault', 'cow', 'fork', 'exec', 'end', 'map', 'table', 'kernel'];
const REASON_GROUP = { demand_zero: 'fault', demand_file: 'fault', mkwrite: 'fault', cow_break: 'cow', fork_copy: 'fork',
    fork_wrprotect: 'fork', table_share: 'fork', table_unshare: 'cow', huge_map: 'fault', huge_split: 'cow', exec_map: 'exec', exec_teardown: 'end', exit_teardown: 'end', truncate: 'end', mmap: 'map',
    munmap: 'map', mprotect: 'map', clear_refs: 'map', brk: 'map', table_link: 'table', table_unlink: 'table' };
const GROUP_TEXT = { fault: 'page on demand', cow: 'copy on write', fork: 'fork', exec: 'new image', end: 'teardown',
    map: 'mmap, munmap, mprotect, brk', table: 'tables', kernel: "the kernel's own" };
const groupOf = reason => REASON_GROUP[T.lists.pt_reason[reason]] || 'kernel';

// A canvas at the screen's resolution, cleared; its context draws in CSS pixels.
function prepareCanvas(canvas, width, height) {
    const ratio = Math.max(2, window.devicePixelRatio || 1);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const g = canvas.getContext('2d');
    g.scale(ratio, ratio);
    return g;
}
function saveButton(canvasOf, name) {
    return button('Save as PNG', () => canvasOf().toBlob(blob => {
        const a = h('a', { href: URL.createObjectURL(blob), download: `${name}.png` });
        a.click();
        URL.revokeObjectURL(a.href);
    }));
}
