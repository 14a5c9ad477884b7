// 20-trace.js - a trace in memory: the small tables at once, the events when the first picture
// is there.  Events are numbered from 1, as everywhere; arrays of events begin at 1, too.
// An address is a number of 48 bits: its upper bits are all like the last of them.

const NO_REASON = 255;
const PTE = { P: 1, W: 2, U: 4, A: 32, D: 64, PS: 128, COW: 512, ANON: 1024 };
const pfnOf = (lo, hi) => (hi & 0xfffff) * 1048576 + (lo >>> 12);
const addressOf = (lo, hi) => (hi & 0xffff) * 4294967296 + lo;
const spanOf = level => 4096 * 512 ** (level - 1);

function grouped(rows, key) {
    const groups = new Map();
    for (const row of rows) {
        const list = groups.get(row[key]);
        if (list) list.push(row); else groups.set(row[key], [row]);
    }
    return groups;
}

// The last of a sorted list whose key is not above value; -1: none.
function lastNotAbove(list, value, key) {
    let from = 0, to = list.length;
    while (from < to) {
        const middle = (from + to) >> 1;
        if (key(list[middle]) <= value) from = middle + 1; else to = middle;
    }
    return from - 1;
}

class Trace {
    constructor(number) {
        this.number = number;
        this.head = JSON.parse(blocksOf(number, 'head')[0].textContent);
        this.classes = [];
        for (const c of this.head.classes) this.classes[c.id] = c;
        this.lists = this.head.lists;
        this.n = this.head.events;
        this.ready = false;
        this.cache = new Map();
    }

    async loadStory() {
        for (const table of ['names', 'owners', 'runs', 'waits', 'calls', 'tasks'])
            this[table] = await unpackRows(this.number, table);
        this.calls.sort((a, b) => a.number - b.number);
        this.waits.sort((a, b) => a.from - b.from);
        this.tasks.sort((a, b) => a.born - b.born || a.pid - b.pid);
        this.callOf = new Map(this.calls.map(c => [c.number, c]));
        this.taskOf = new Map(this.tasks.map(t => [t.pid, t]));
        this.waitsOf = grouped(this.waits, 'pid');
        this.callsOf = grouped(this.calls, 'pid');
        this.runsOf = grouped(this.runs, 'pid');
        this.runsOn = grouped(this.runs, 'cpu');
        this.namesOf = grouped(this.names, 'pid');
        this.ownersOf = grouped(this.owners, 'pid');
    }

    // --- names ---------------------------------------------------------------------------

    nameAt(pid, event) {
        const list = this.namesOf.get(pid);
        const i = list ? lastNotAbove(list, event, x => x.event) : -1;
        return i >= 0 ? list[i].name : '';
    }
    who(pid, event) { return pid === 0 ? '[0]' : `${this.nameAt(pid, event)}[${pid}]`; }
    // By its last name, with the first where it had another.
    title(pid) {
        const list = (this.namesOf.get(pid) || []).map(x => x.name);
        const last = list[list.length - 1] || '';
        return `${last}[${pid}]`;
    }
    mmAt(pid, event) {
        const list = this.ownersOf.get(pid);
        const i = list ? lastNotAbove(list, event, x => x.event) : -1;
        return i >= 0 ? list[i].mm : 0;
    }
    callName(nr) { const s = this.head.syscalls[nr]; return s && s[0] || `call ${nr}`; }
    kindName(c) {
        const kind = this.lists.call_kind[c.kind];
        return kind && kind !== this.callName(c.nr) ? `${this.callName(c.nr)} (${kind})` : this.callName(c.nr);
    }

    // --- events --------------------------------------------------------------------------

    async loadEvents(progress) {
        const n = this.n + 1;
        Object.assign(this, {
            id: new Uint8Array(n), cpu: new Uint8Array(n), pid: new Uint32Array(n), mm: new Uint32Array(n),
            ns: new Float64Array(n), call: new Uint32Array(n), own: new Uint32Array(n), va: new Float64Array(n),
            table: new Uint32Array(n), first: new Uint16Array(n), level: new Uint8Array(n),
            reason: new Uint8Array(n).fill(NO_REASON), at: new Uint32Array(n), len: new Uint32Array(n),
        });
        this.own_columns = {};
        this.entries = { oldLo: new Vector(Uint32Array), oldHi: new Vector(Uint32Array),
            newLo: new Vector(Uint32Array), newHi: new Vector(Uint32Array) };
        this.pages = new Map();             // pages of its own memory that an address space has by now
        this.pagesAtCall = new Map();       // and had when a call made a child
        const replay = new Replay(this, false);
        let done = 1;
        for (const block of blocksOf(this.number, 'events')) {
            const columns = await unpack(block), rows = Number(block.dataset.rows);
            this.takeBlock(columns, done, rows, replay);
            done += rows;
            if (progress) await progress(done / n);
        }
        for (const name of Object.keys(this.entries)) this.entries[name] = this.entries[name].done();
        for (const name of Object.keys(this.own_columns)) {
            const c = this.own_columns[name];
            if (c instanceof Vector) this.own_columns[name] = c.done();
            else if (c.lo) this.own_columns[name] = { lo: c.lo.done(), hi: c.hi.done() };
        }
        this.cache.clear();
        this.ready = true;
    }

    appendOwn(columns) {
        const common = new Set(['id', 'cpu', 'pid', 'mm', 'ns', 'call', 'n', 'old', 'new']);
        for (const name of Object.keys(columns)) {
            if (common.has(name)) continue;
            const c = columns[name], own = this.own_columns;
            if (Array.isArray(c)) own[name] = (own[name] || []).concat(c);
            else if (c.lo) {
                own[name] = own[name] || { lo: new Vector(Uint32Array), hi: new Vector(Uint32Array) };
                own[name].lo.append(c.lo);
                own[name].hi.append(c.hi);
            } else {
                own[name] = own[name] || new Vector(Uint32Array);
                own[name].append(c);
            }
        }
    }

    takeBlock(columns, from, rows, replay) {
        this.id.set(columns.id, from);
        this.cpu.set(columns.cpu, from);
        this.pid.set(columns.pid, from);
        this.mm.set(columns.mm, from);
        this.ns.set(columns.ns, from);
        this.call.set(columns.call, from);
        const vectors = this.entries, base = vectors.oldLo.n;
        vectors.oldLo.append(columns.old.lo); vectors.oldHi.append(columns.old.hi);
        vectors.newLo.append(columns.new.lo); vectors.newHi.append(columns.new.hi);
        this.flat = { oldLo: vectors.oldLo.at, oldHi: vectors.oldHi.at,
            newLo: vectors.newLo.at, newHi: vectors.newHi.at };
        const used = this.classes.map(c => c && this.ownStart(c));
        const readers = this.classes.map(c => c && new OwnReader(c, columns));
        let entry = base, ranges = 0, lo = 0, hi = 0;
        for (let i = from; i < from + rows; i++) {
            const id = this.id[i], r = readers[id], row = r.next++;
            this.own[i] = used[id] + row;
            if (r.va) {         // differences to the address before, both halves with the carry
                const low = lo + r.va.lo[row];
                hi = (hi + r.va.hi[row] + (low > 0xffffffff ? 1 : 0)) >>> 0;
                lo = low >>> 0;
                r.va.lo[row] = lo; r.va.hi[row] = hi;
                this.va[i] = addressOf(lo, hi);
            }
            if (r.level) this.level[i] = r.level[row];
            if (r.table) this.table[i] = r.table[row];
            if (r.pt) {
                const n = columns.n[ranges++];
                this.reason[i] = r.reason[row];
                this.first[i] = r.first[row];
                this.at[i] = entry;
                this.len[i] = n;
                entry += n;
                this.undoPrediction(i, replay);
            }
            if (id === EV.clone && this.call[i]) this.pagesAtCall.set(this.call[i], this.pages.get(this.mm[i]) || 0);
            replay.apply(i);
        }
        this.appendOwn(columns);
    }

    ownStart(c) {
        const names = c.fields.map(f => `${c.name}.${f.name}`);
        for (const name of names) {
            const own = this.own_columns[name];
            if (own) return Array.isArray(own) ? own.length : own.lo ? own.lo.n : own.n;
        }
        return 0;
    }

    // Old entries came as what differs from the replayed ones.
    undoPrediction(i, replay) {
        const t = replay.tables.get(this.table[i]), f = this.flat, mm = this.mm[i];
        const OWN = PTE.P | PTE.ANON;
        let pages = 0;
        for (let k = 0, at = this.at[i]; k < this.len[i]; k++, at++) {
            if (t) {
                const slot = (this.first[i] + k) % 512;
                f.oldLo[at] ^= t.lo[slot];
                f.oldHi[at] ^= t.hi[slot];
            }
            pages += ((f.newLo[at] & OWN) === OWN) - ((f.oldLo[at] & OWN) === OWN);
        }
        // An entry of level 2 with that mark is a huge page.
        if (this.level[i] <= 2 && pages) this.pages.set(mm, (this.pages.get(mm) || 0) + pages * 512 ** (this.level[i] - 1));
    }

    // Field of event i: a number, or {lo, hi}, or a string.
    field(i, name) {
        const c = this.own_columns[`${this.classes[this.id[i]].name}.${name}`], row = this.own[i];
        if (c === undefined) return undefined;
        return c.lo ? { lo: c.lo[row], hi: c.hi[row] } : c[row];
    }
    isPt(i) { return this.reason[i] !== NO_REASON; }
    // The first event not before a time.
    eventAt(ns) {
        let from = 1, to = this.n + 1;
        while (from < to) {
            const middle = (from + to) >> 1;
            if (this.ns[middle] < ns) from = middle + 1; else to = middle;
        }
        return from;
    }
    writesOf(i) {
        const e = this.entries;
        if (this.id[i] === EV.pte_write) return 1;
        let n = 0;
        for (let k = this.at[i], end = k + this.len[i]; k < end; k++)
            n += e.oldLo[k] !== e.newLo[k] || e.oldHi[k] !== e.newHi[k];
        return n;
    }
    // The numbers of all events of a kind.
    eventsOf(kind) {
        if (!this.cache.has(kind)) {
            const list = [];
            for (let i = 1; i <= this.n; i++) if (this.id[i] === EV[kind]) list.push(i);
            this.cache.set(kind, list);
        }
        return this.cache.get(kind);
    }
}

// Columns of one kind of event in a block, as takeBlock() needs them.
class OwnReader {
    constructor(c, columns) {
        const of = name => columns[`${c.name}.${name}`];
        this.next = 0;
        this.va = of('va');
        this.level = of('level');
        this.table = of('table_pfn');
        this.pt = c.fields.some(f => f.type === 'pt_reason') && c.name.startsWith('pte_');
        this.reason = this.pt && of('reason');
        this.first = of('index') || of('first');
    }
}

// Numbers of kinds of events by name, from the schema.
const EV = {};
