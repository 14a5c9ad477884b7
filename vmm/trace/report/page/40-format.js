// 40-format.js - events, entries and times as text, the same as vmm-trace prints.

const hex = v => '0x' + v.toString(16);
function hex64(v) {
    if (v.hi === 0) return v.lo === 0 ? '0' : hex(v.lo);
    return '0x' + v.hi.toString(16) + v.lo.toString(16).padStart(8, '0');
}
// An address of 48 bits, as the processor wants it.
function addressText(va) {
    return va >= 2 ** 47 ? '0xffff' + va.toString(16).padStart(12, '0') : hex(va);
}
const big = v => (BigInt(v.hi) << 32n) | BigInt(v.lo);

function secondsText(ns) {
    const s = Math.floor(ns / 1e9);
    return `${s}.${String(ns - s * 1e9).padStart(9, '0')}`;
}
function durationText(ns) {
    if (ns < 1e3) return `${ns} ns`;
    if (ns < 1e6) return `${(ns / 1e3).toFixed(2)} µs`;
    if (ns < 1e9) return `${(ns / 1e6).toFixed(2)} ms`;
    return `${(ns / 1e9).toFixed(3)} s`;
}
const countText = n => n.toLocaleString('en').replace(/,/g, '\u202f');      // a narrow blank that does not break

const PTE_BITS = [[1, 'P'], [2, 'W'], [4, 'U'], [8, 'PWT'], [16, 'PCD'], [32, 'A'], [64, 'D'], [128, 'PS'],
    [256, 'G'], ['nx', 'NX'], [512, 'COW'], [1024, 'ANON']];

function pteText(lo, hi) {
    if (lo === 0 && hi === 0) return '0';
    const names = [];
    let low = lo & 0xfff, high = (hi & 0xfff00000) >>> 0;
    for (const [bit, name] of PTE_BITS) {
        if (bit === 'nx' ? high >>> 31 : low & bit) names.push(name);
        if (bit === 'nx') high &= 0x7fffffff; else low &= ~bit;
    }
    if (low || high || !names.length) names.push(low || high ? hex64({ lo: low, hi: high >>> 0 }) : '0');
    return `${names.join('|')} pfn=${hexOrZero(pfnOf(lo, hi))}`;
}
const hexOrZero = v => v === 0 ? '0' : hex(v);

// r-x user COW
function rightsText(lo, hi, above = true) {
    return (lo & 1 ? 'r' : '-') + (lo & 2 ? 'w' : '-') + ((lo & 1) && !(hi >>> 31) ? 'x' : '-') +
        (lo & 4 ? ' user' : ' kernel') + (lo & PTE.COW ? ' COW' : '') + ((lo & 2) && !above ? ' shared table' : '') + (lo & 1 ? '' : ' not present');
}

function bitsText(value, names) {
    const out = [];
    for (const [bit, name] of names)
        if (value & bit) { out.push(name); value &= ~bit; }
    value >>>= 0;
    if (value || !out.length) out.push(hexOrZero(value));
    return out.join('|');
}
const FAULT_BITS = [[1, 'present'], [2, 'write'], [4, 'user'], [8, 'reserved'], [16, 'fetch'], [32, 'pkey']];
const CLONE_BITS = [[0x100, 'VM'], [0x200, 'FS'], [0x400, 'FILES'], [0x800, 'SIGHAND'], [0x1000, 'PIDFD'],
    [0x2000, 'PTRACE'], [0x4000, 'VFORK'], [0x8000, 'PARENT'], [0x10000, 'THREAD'], [0x20000, 'NEWNS'],
    [0x40000, 'SYSVSEM'], [0x80000, 'SETTLS'], [0x100000, 'PARENT_SETTID'], [0x200000, 'CHILD_CLEARTID'],
    [0x400000, 'DETACHED'], [0x800000, 'UNTRACED'], [0x1000000, 'CHILD_SETTID']];
const SIGNALS = ('HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP ' +
    'TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH POLL PWR SYS').split(' ');
const signalText = n => SIGNALS[n - 1] ? `SIG${SIGNALS[n - 1]}` : String(n);

function argumentText(kind, v) {
    const int = v.lo | 0;
    switch (kind) {
    case 'FD': return int === -100 ? 'AT_FDCWD' : String(int);
    case 'INT':
    case 'PID': return String(int);
    case 'SIG': return signalText(int);
    case 'LEN': return String(big(v));
    case 'OFF': return String(BigInt.asIntN(64, big(v)));
    case 'STR':
    case 'PTR': return v.lo === 0 && v.hi === 0 ? 'NULL' : hex64(v);
    default: return hex64(v);
    }
}
function callArguments(t, i) {
    const known = t.head.syscalls[t.field(i, 'nr')], out = [];
    const kinds = known ? known.slice(1) : [];
    for (let k = 0; k < 3 && k < kinds.length; k++) out.push(argumentText(kinds[k], t.field(i, `a${k}`)));
    return out;
}

// --- ranges: neighbours with frames in order, or equal, are one --------------------------

const GROUPS_SHOWN = 8;
function groupAt(t, i, from) {
    const e = t.entries, a = t.at[i] + from, n = t.len[i] - from;
    const goesOn = (lo, hi, k, counts) => {
        const want = counts ? e[lo][a] + k * 4096 : e[lo][a];
        return e[lo][a + k] === want % 4294967296 &&
            e[hi][a + k] === e[hi][a] + (want > 4294967295 ? 1 : 0);
    };
    if (n < 2) return { n, old: false, new: false };
    const differs = (lo, hi) => e[lo][a + 1] !== e[lo][a] || e[hi][a + 1] !== e[hi][a];
    const old = differs('oldLo', 'oldHi'), fresh = differs('newLo', 'newHi');
    let k = 1;
    while (k < n && goesOn('oldLo', 'oldHi', k, old) && goesOn('newLo', 'newHi', k, fresh)) k++;
    return k === 1 ? { n: 1, old: false, new: false } : { n: k, old, new: fresh };
}
function groupText(lo, hi, n, counts) {
    return pteText(lo, hi) + (counts ? `-${hexOrZero(pfnOf(lo, hi) + n - 1)}` : '');
}
function rangeText(t, i) {
    const e = t.entries, parts = [], name = t.classes[t.id[i]].name;
    for (let k = 0; k < t.len[i];) {
        if (parts.length === GROUPS_SHOWN) { parts.push(`${t.len[i] - k} more`); break; }
        const g = groupAt(t, i, k), at = t.at[i] + k;
        const old = groupText(e.oldLo[at], e.oldHi[at], g.n, g.old);
        const fresh = groupText(e.newLo[at], e.newHi[at], g.n, g.new);
        parts.push((g.n > 1 ? `${g.n} x ` : '') +
            (name === 'pte_range_old' ? old : name === 'pte_range' ? `${old} -> ${fresh}` : fresh));
        k += g.n;
    }
    return ` [${parts.join(', ')}]`;
}

// A range whose entries are each as far from the one before.
function steppedText(lo, hi, step, n) {
    const text = pteText(lo, hi);
    if (step === 0 || n === 1) return text;
    if (step % 4096) return `${text} step=${hex(step)}`;
    const last = pfnOf(lo, hi) + (n - 1) * (step / 4096);
    return `${text}-${hexOrZero(last)}${step === 4096 ? '' : ` by ${hex(step / 4096)}`}`;
}
function stepText(t, i) {
    const e = t.entries, at = t.at[i], n = t.len[i];
    return ` [${n} x ${steppedText(e.oldLo[at], e.oldHi[at], t.field(i, 'old_step'), n)} -> ${steppedText(e.newLo[at], e.newHi[at], t.field(i, 'new_step'), n)}]`;
}

// --- events ------------------------------------------------------------------------------

function fieldText(t, i, c, f) {
    if (t.isPt(i)) {
        const e = t.entries, at = t.at[i];
        if (f.name === 'old') return pteText(e.oldLo[at], e.oldHi[at]);
        if (f.name === 'new') return pteText(e.newLo[at], e.newHi[at]);
        if (f.name === 'len') return String(c.name === 'pte_range' ? 2 * t.len[i] : t.len[i]);
    }
    const v = t.field(i, f.name);
    if (f.kind === 'chars') return v;
    if (f.kind === 'enum') return (t.lists[f.type] || [])[v] || '?';
    if (c.name === 'page_fault' && f.name === 'error') return bitsText(v, FAULT_BITS);
    if (c.name === 'clone' && f.name === 'flags') return bitsText((v.lo & ~0xff) >>> 0, CLONE_BITS);
    if (f.name === 'nr') return t.callName(v);
    if (f.kind === 'hex') return f.size === 8 ? hex64(v) : hexOrZero(v);
    if (f.kind === 'sint') return f.size === 8 ? String(BigInt.asIntN(64, big(v))) : String(v | 0);
    return f.size === 8 ? String(big(v)) : String(v);
}

// What vmm-trace print shows behind the call: "pte_write va=0x400000 ...".
function eventText(t, i) {
    const c = t.classes[t.id[i]];
    let text = c.name;
    if (c.name === 'syscall_enter')
        return `${text} nr=${t.callName(t.field(i, 'nr'))}` +
            callArguments(t, i).map((a, k) => ` a${k}=${a}`).join('');
    for (const f of c.fields) {
        if (c.name === 'pte_range_step' && f.name === 'n') return text + stepText(t, i);
        text += f.kind === 'seq' ? rangeText(t, i) : ` ${f.name}=${fieldText(t, i, c, f)}`;
    }
    return text;
}
// The whole line.
function lineText(t, i) {
    const call = t.call[i] ? `call ${t.call[i]} ` : '';
    return `${String(i).padStart(8)} ${secondsText(t.ns[i]).padStart(14)} cpu${t.cpu[i]} ` +
        `${t.who(t.pid[i], i).padEnd(12)} mm ${String(t.mm[i]).padEnd(3)} ${call}${eventText(t, i)}`;
}
