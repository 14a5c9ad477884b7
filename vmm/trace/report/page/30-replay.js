// 30-replay.js - the page tables after the first n events.  Each event can be undone, since it
// has the old entries and what it displaced is kept; so the moment moves both ways at the price
// of the events in between.

function isZero(words) {
    let any = 0;
    for (let i = 0; i < words.length; i++) any |= words[i];
    return any === 0;
}

class Replay {
    constructor(trace, undoable = true) {
        this.trace = trace;
        this.tables = new Map();
        this.roots = new Map();
        this.n = 0;
        this.displaced = undoable ? [] : null;
        this.empty = [];        // arrays of tables that are gone, all zero
    }

    newTable(of) {
        const { lo, hi } = this.empty.pop() || { lo: new Uint32Array(512), hi: new Uint32Array(512) };
        return { ...of, lo, hi };
    }
    // A table that goes is empty (lint's M3), so it needs no room; if it is not, it keeps it.
    putAway(table) {
        if (!table || !table.lo || !isZero(table.lo) || !isZero(table.hi)) return table;
        this.empty.push({ lo: table.lo, hi: table.hi });
        return { ...table, lo: null, hi: null };
    }

    seek(n) {
        while (this.n < n) this.apply(this.n + 1);
        while (this.n > n) this.undo(this.n);
    }

    displace(map, key, value) {
        const old = map === this.tables ? this.putAway(map.get(key)) : map.get(key);
        if (this.displaced) this.displaced.push(old);
        if (value === undefined) map.delete(key); else map.set(key, value);
    }
    restore(map, key) {
        let old = this.displaced.pop();
        if (map === this.tables) this.putAway(map.get(key));
        if (old && old.lo === null) old = this.newTable(old);
        if (old === undefined) map.delete(key); else map.set(key, old);
    }

    apply(i) {
        const t = this.trace;
        this.n = i;
        if (t.isPt(i)) { this.store(i, true); return; }
        switch (t.id[i]) {
        case EV.table_alloc:
            this.displace(this.tables, t.table[i], this.newTable({ pfn: t.table[i], mm: t.mm[i], level: t.level[i],
                va: t.va[i], made: i }));
            break;
        case EV.table_free: this.displace(this.tables, t.table[i], undefined); break;
        case EV.mm_create: this.displace(this.roots, t.mm[i], this.rootOf(i)); break;
        case EV.mm_free: this.displace(this.roots, t.mm[i], undefined); break;
        }
    }
    undo(i) {
        const t = this.trace;
        this.n = i - 1;
        if (t.isPt(i)) { this.store(i, false); return; }
        switch (t.id[i]) {
        case EV.table_alloc:
        case EV.table_free: this.restore(this.tables, t.table[i]); break;
        case EV.mm_create:
        case EV.mm_free: this.restore(this.roots, t.mm[i]); break;
        }
    }
    rootOf(i) {     // while the trace is being read, its own columns are not there yet
        return this.displaced ? this.trace.field(i, 'root_pfn') : 0;
    }

    store(i, forward) {
        const t = this.trace, table = this.tables.get(t.table[i]), e = t.ready ? t.entries : t.flat;
        if (!table) return;
        const lo = forward ? e.newLo : e.oldLo, hi = forward ? e.newHi : e.oldHi;
        for (let k = 0, at = t.at[i], slot = t.first[i]; k < t.len[i]; k++, at++, slot++) {
            table.lo[slot % 512] = lo[at];
            table.hi[slot % 512] = hi[at];
        }
    }

    // Address space 0 is the kernel's: any root has its half.
    root(mm) {
        const pfn = mm === 0 ? this.roots.values().next().value : this.roots.get(mm);
        return this.tables.get(pfn);
    }

    // The table below an entry, if it leads to one.
    below(table, slot) {
        const lo = table.lo[slot];
        if (table.level === 1 || !(lo & PTE.P) || (lo & PTE.PS)) return undefined;
        const t = this.tables.get(pfnOf(lo, table.hi[slot]));
        return t && t.level === table.level - 1 ? t : undefined;
    }

    // Entries that lead to pages, by address.  above: all entries that lead there have W; if not, the
    // page cannot be written, whatever its own entry says (a table that a fork shares).
    leaves(mm) {
        const out = [], root = this.root(mm);
        const walk = (t, base, from, to, above) => {
            for (let slot = from; slot < to; slot++) {
                const lo = t.lo[slot], hi = t.hi[slot];
                if (lo === 0 && hi === 0) continue;
                const va = base + slot * spanOf(t.level), next = this.below(t, slot);
                if (next) walk(next, va, 0, 512, above && (lo & PTE.W) !== 0);
                else if (t.level === 1 || !(lo & PTE.P) || lo & PTE.PS)
                    out.push({ va, level: t.level, lo, hi, table: t.pfn, slot, above });
            }
        };
        if (root) walk(root, 0, mm === 0 ? 256 : 0, mm === 0 ? 512 : 256, true);
        return out;
    }

    // From the root down to the table that has the entry of this level; undefined: none.
    tableFor(mm, va, level) {
        let t = this.root(mm);
        while (t && t.level > level) t = this.below(t, Math.floor(va / spanOf(t.level)) % 512);
        return t;
    }
    writableAbove(mm, va, level) {
        for (let t = this.root(mm); t && t.level > level;) {
            const slot = Math.floor(va / spanOf(t.level)) % 512;
            if (!(t.lo[slot] & PTE.W)) return false;
            t = this.below(t, slot);
        }
        return true;
    }
}

const PTE_FIXED = ~(PTE.A | PTE.D) & 0xfff;

// Neighbours of equal rights.
function runsOfLeaves(leaves) {
    const runs = [];
    for (const leaf of leaves) {
        const last = runs[runs.length - 1], flags = leaf.lo & PTE_FIXED, nx = leaf.hi >>> 31;
        if (last && last.level === leaf.level && last.flags === flags && last.nx === nx && last.above === leaf.above &&
            leaf.va === last.va + last.n * spanOf(leaf.level)) {
            last.n++;
            last.leaves.push(leaf);
        } else {
            runs.push({ va: leaf.va, level: leaf.level, flags, nx, above: leaf.above, n: 1, leaves: [leaf] });
        }
    }
    return runs;
}
