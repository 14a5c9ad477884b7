// 10-decode.js - the tables that vmm-trace packed into the page: pack.h says how.

// A list of numbers that grows.
class Vector {
    constructor(Type) {
        this.at = new Type(1024);
        this.n = 0;
    }
    append(values) {
        if (this.n + values.length > this.at.length) {
            const larger = new this.at.constructor(2 * this.at.length + values.length);
            larger.set(this.at);
            this.at = larger;
        }
        this.at.set(values, this.n);
        this.n += values.length;
    }
    done() { return this.at.subarray(0, this.n); }
}

function bytesOf(base64) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
    const text = atob(base64), bytes = new Uint8Array(text.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
}

async function inflate(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Differences of 32 bits, zigzag, seven bits a byte; w: lower and upper half in turn.
function decode32(bytes, at, rows) {
    const out = new Uint32Array(rows);
    let value = 0;
    for (let i = 0; i < rows; i++) {
        let b = bytes[at++], v = b & 127;
        for (let shift = 7; b & 128; shift += 7) { b = bytes[at++]; v |= (b & 127) << shift; }
        value = (value + ((v >>> 1) ^ -(v & 1))) | 0;
        out[i] = value;
    }
    return out;
}

function decode64(bytes, at, rows) {
    const lo = new Uint32Array(rows), hi = new Uint32Array(rows);
    let low = 0, high = 0;
    for (let i = 0; i < rows; i++) {
        let b = bytes[at++], v = b & 127;
        for (let shift = 7; b & 128; shift += 7) { b = bytes[at++]; v |= (b & 127) << shift; }
        lo[i] = low = (low + ((v >>> 1) ^ -(v & 1))) | 0;
        b = bytes[at++]; v = b & 127;
        for (let shift = 7; b & 128; shift += 7) { b = bytes[at++]; v |= (b & 127) << shift; }
        hi[i] = high = (high + ((v >>> 1) ^ -(v & 1))) | 0;
    }
    return { lo, hi };
}

function decodeTimes(bytes, at, rows) {
    const out = new Float64Array(rows);
    let value = 0;
    for (let i = 0; i < rows; i++) {
        let b, v = 0, unit = 1;
        do { b = bytes[at++]; v += (b & 127) * unit; unit *= 128; } while (b & 128);
        value += v % 2 ? -(v + 1) / 2 : v / 2;
        out[i] = value;
    }
    return out;
}

// The guest chose them: what is not plain printable text is shown as '?', as vmm-trace does.
function plain(text) { return text.replace(/[^ !#-\[\]-~]/g, '?'); }

function decodeStrings(bytes, at, length) {
    const text = new TextDecoder('latin1').decode(bytes.subarray(at, at + length));
    const list = text.split('\0').map(plain);
    list.pop();
    return list;
}

function decodeColumn(kind, bytes, at, rows, length) {
    switch (kind) {
    case 'u': return decode32(bytes, at, rows);
    case 'w': return decode64(bytes, at, rows);
    case 't': return decodeTimes(bytes, at, rows);
    default: return decodeStrings(bytes, at, length);
    }
}

// {name: values} of one block; its text is let go.
async function unpack(element) {
    const bytes = await inflate(bytesOf(element.textContent));
    element.textContent = '';
    const view = new DataView(bytes.buffer), names = element.dataset.columns.split(' ');
    const columns = {};
    let at = 8 * names.length;
    names.forEach((name, i) => {
        const rows = view.getUint32(8 * i, true), length = view.getUint32(8 * i + 4, true);
        columns[name.slice(0, -2)] = decodeColumn(name.slice(-1), bytes, at, rows, length);
        at += length;
    });
    return columns;
}

function blocksOf(trace, table) {
    return [...document.querySelectorAll(`script[data-trace="${trace}"][data-table="${table}"]`)];
}

// A small table as a list of objects.
async function unpackRows(trace, table) {
    const rows = [];
    for (const element of blocksOf(trace, table)) {
        const columns = await unpack(element), names = Object.keys(columns);
        const n = Number(element.dataset.rows);
        for (let i = 0; i < n; i++) {
            const row = {};
            for (const name of names) {
                const c = columns[name];
                row[name] = c.lo ? { lo: c.lo[i], hi: c.hi[i] } : c[i];
            }
            rows.push(row);
        }
    }
    return rows;
}
