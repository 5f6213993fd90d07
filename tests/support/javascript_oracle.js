// Writes random expressions, each with variables and the answer, as JSON Lines:
//   {"e": expression, "v": variables as JSON text, "x": the value as JSON text, or absent if it is an error}
// usage: node javascript_oracle.js SEED COUNT
//
// An expression is made as a tree. Each node has its source and a function that computes it here: by JavaScript's
// own operators and methods, and by the few helpers below where the language deviates (one null; errors instead
// of NaN and of null read as 0; JSON text and content for containers; exact 64-bit integers; code points; `in`).
// Where no deviation was touched, the source as a whole is also given to the JavaScript engine, and must agree:
// so grammar and precedence are the engine's, too. Integers are BigInt here, doubles are Number.
'use strict';

const [seed, count] = process.argv.slice(2).map(Number);
let state = seed >>> 0;
function random() {  // mulberry32
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];

class Failure extends Error {}
class Skip extends Error {}
const fail = () => { throw new Failure(); };
const skip = () => { throw new Skip(); };
let deviated = false;
const deviate = () => { deviated = true; };

// ---- values

const isText = (v) => typeof v === 'string';
const isInteger = (v) => typeof v === 'bigint';
const isNumber = (v) => typeof v === 'number' || typeof v === 'bigint';
const isContainer = (v) => v !== null && typeof v === 'object';
const isPlain = (v) => isContainer(v) && !Array.isArray(v);
const least = -(2n ** 63n), most = 2n ** 63n - 1n;
const isSafe = (v) => !isInteger(v) || (v <= 9007199254740991n && v >= -9007199254740991n);

function json(v) {
  if (isInteger(v)) return v.toString();
  if (Array.isArray(v)) return '[' + v.map(json).join(',') + ']';
  if (isPlain(v)) return '{' + Object.keys(v).map((k) => JSON.stringify(k) + ':' + json(v[k])).join(',') + '}';
  return JSON.stringify(v);
}
function textOf(v) {  // where a string is needed; null is the caller's business
  if (isContainer(v)) { deviate(); return json(v); }
  if (v === null) return 'null';
  return String(v);
}
const points = (s) => { const a = Array.from(s); if (a.length !== s.length) deviate(); return a; };

// A number that may be NaN or infinite; null is NaN (JavaScript's 0 for it is a deviation).
function numeric(v) {
  if (isNumber(v)) return v;
  if (typeof v === 'boolean') return v ? 1n : 0n;
  if (v === null || isContainer(v)) { deviate(); return NaN; }
  const trimmed = v.trim();
  if (trimmed === '') return 0n;
  if (/^[+-]?[0-9]+$/.test(trimmed)) {
    const exact = BigInt(trimmed.replace('+', ''));
    if (!isSafe(exact)) deviate();
    if (exact >= least && exact <= most) return exact;
  }
  const number = Number(v);
  return /^0[xob]/i.test(trimmed) && Number.isSafeInteger(number) ? BigInt(number) : number;
}
const finite = (n) => { if (typeof n === 'number' && !Number.isFinite(n)) fail(); return n; };

function arithmetic(op, l, r) {
  if (l === null || r === null) { deviate(); fail(); }
  const a = numeric(l), b = numeric(r);
  if (Number.isNaN(a) || Number.isNaN(b)) fail();
  if (isInteger(a) && isInteger(b) && op !== '/' && op !== '**') {
    if (op === '%' && b === 0n) fail();
    const exact = op === '+' ? a + b : op === '-' ? a - b : op === '*' ? a * b : a % b;
    if (exact >= least && exact <= most) {
      if (!isSafe(exact) || !isSafe(a) || !isSafe(b)) deviate();
      return exact;
    }
    deviate();
  }
  const x = Number(a), y = Number(b);
  // Whether a whole number that a function gave counts as an integer shows only where huge ones are.
  const huge = ![x, y, x + y, x - y, x * y].every((n) => Math.abs(n) <= Number.MAX_SAFE_INTEGER);
  if (huge && isInteger(a) !== isInteger(b) && Number.isInteger(x) && Number.isInteger(y)) skip();
  switch (op) {
    case '+': return finite(x + y);
    case '-': return finite(x - y);
    case '*': return finite(x * y);
    case '/': return finite(x / y);
    case '%': return finite(x % y);
  }
  const power = finite(x ** y);
  // Beyond small whole numbers two libraries may differ in the last bit.
  if (!(Number.isInteger(x) && Number.isInteger(y) && y >= 0 && Number.isSafeInteger(power))) skip();
  return power;
}
function add(l, r) {
  if (isText(l) || isText(r) || isContainer(l) || isContainer(r)) {
    if (l === null || r === null) deviate();
    return (l === null ? '' : textOf(l)) + (r === null ? '' : textOf(r));
  }
  return arithmetic('+', l, r);
}
function compare(op, l, r) {
  if (l === null || r === null) { deviate(); return false; }
  let a, b;
  if ((isText(l) || isContainer(l)) && (isText(r) || isContainer(r))) {
    a = textOf(l); b = textOf(r);
  } else {
    a = numeric(l); b = numeric(r);
  }
  return op === '<' ? a < b : op === '<=' ? a <= b : op === '>' ? a > b : a >= b;
}
function same(l, r) {  // ===
  if (isContainer(l) || isContainer(r)) {
    deviate();
    if (!isContainer(l) || !isContainer(r) || Array.isArray(l) !== Array.isArray(r)) return false;
    const keys = Object.keys(l);
    return keys.length === Object.keys(r).length && keys.every((k) => Object.hasOwn(r, k) && same(l[k], r[k]));
  }
  return isNumber(l) && isNumber(r) ? l == r : l === r;  // a BigInt and a Number are compared exactly
}
function alike(l, r) {  // ==
  if (l === null || r === null) return l === r;
  if (isContainer(l) && isContainer(r)) return same(l, r);
  if (isContainer(l) || isContainer(r)) {
    const other = isContainer(l) ? r : l;
    return isText(other) ? textOf(l) === textOf(r) : (deviate(), false);
  }
  if (typeof l === typeof r) return l === r;
  const a = numeric(l), b = numeric(r);
  return a == b;
}
function member(o, key) {
  if (o === null) { deviate(); return null; }
  if (isPlain(o)) {
    if (Object.hasOwn(o, key)) return o[key];
    deviate();
    return null;
  }
  if (Array.isArray(o) || isText(o)) {
    const list = isText(o) ? points(o) : o;
    if (key === 'length') return BigInt(list.length);
    if (/^(0|[1-9][0-9]*)$/.test(key) && Number(key) < list.length) return list[Number(key)];
  }
  deviate();
  return null;
}
function within(l, r) {
  if (Array.isArray(r)) { deviate(); return r.some((e) => same(l, e)); }
  if (!isPlain(r)) { deviate(); fail(); }
  return Object.hasOwn(r, textOf(l));
}

// ---- nodes: source, precedence, computation

const P = { conditional: 0, coalesce: 1, or: 2, and: 3, equality: 4, relation: 5, sum: 6, product: 7, unary: 8,
            power: 9, filter: 10, postfix: 11, primary: 12 };
const make = (src, prec, ev) => ({ src, prec, ev });
const paren = (n) => '(' + n.src + ')';
const arrowBody = (n) => (n.src.startsWith('{') ? paren(n) : n.src);
const atLeast = (n, prec) => (n.prec >= prec ? n.src : paren(n));
const blanks = () => pick(['', ' ', ' ']);

function binary(op, prec, l, r, compute) {
  let left = atLeast(l, prec), right = atLeast(r, prec + 1);
  if (op === '??') {  // can't stand beside || and &&
    left = l.prec === P.coalesce || l.prec >= P.equality ? l.src : paren(l);
    right = atLeast(r, P.equality);
  }
  if (op === '**') {
    left = atLeast(l, P.filter);
    right = atLeast(r, P.unary);
  }
  const gap = /[a-z]/.test(op) || /^[-+]/.test(right) ? ' ' : blanks();
  return make(left + (gap || (op === '/' ? ' ' : '')) + op + gap + right, prec, compute);
}
function unary(op, n, compute) {
  const operand = n.prec >= P.unary && n.prec !== P.power ? n.src : paren(n);
  return make(op + (/^[-+]/.test(operand) ? ' ' : '') + operand, P.unary, compute);
}
// As the object of . and [ : a number needs parentheses.
const base = (n) => (n.prec >= P.postfix && !/^[.0-9]/.test(n.src) ? n.src : paren(n));
const quote = (s) => {
  const q = pick(["'", '"']);
  return q + s.replaceAll('\\', '\\\\').replaceAll(q, '\\' + q) + q;
};

const texts = ['', 'a', 'b', 'abc', 'Äpfel', '😀b', '12', ' 7 ', '1e2', '-3.5', 'true', 'null', '0x1F', 'a,b,c', 'x y',
               "it's", 'length', 'B', 'ﬀ\uFFFD', '9007199254740993'];
const integers = ['0', '1', '2', '3', '7', '10', '100', '255', '60'];
const variables = {
  i: [0n, 1n, 2n, -3n, 42n, 1000000007n], j: [5n, -1n, 9007199254740993n, most, least], d: [0.5, -2.25, 1e21, 3.7, 1e-7],
  s: texts, t: texts, b: [true, false], n: [null],
  xs: [[], [1n, 2n, 3n], [3n, 1n, 2n, 2n], [10n, 9n, 1.5]], ys: [['a', 'b'], ['x', '', 'zz'], []],
  o: [{}, { a: 1n, b: 'x' }, { a: { b: [1n, 2n, { c: 5n }] }, k: null }, { length: 3n, a: 'q' }],
  os: [[{ a: 1n, b: 'x' }, { a: 2n, b: 'y' }], [{ a: 3n, b: 'x' }], []],
  any: [null, 0n, '', 'a', true, [1n], { a: 1n }, 2.5, [[1n], ['b']]],
};
const types = { i: 'number', j: 'number', d: 'number', s: 'text', t: 'text', b: 'boolean', n: 'any', xs: 'numbers',
                ys: 'texts', o: 'object', os: 'objects', any: 'any' };
const variable = (name) => make(name, P.primary, (env) => { if (!isSafe(env[name])) deviate(); return env[name]; });
const named = (type) => variable(pick(Object.keys(types).filter((k) => type === 'any' || types[k] === type)));

function literal(type) {
  switch (type) {
    case 'number': {
      const s = pick([...integers, ...integers, '1.5', '.25', '1e3', '0x10', '2.0', '0b101', '1_000']);
      const whole = /^(0[xb])?[0-9a-f_]+$/i.test(s) && !/^[0-9]+e/.test(s);
      const value = whole ? BigInt(s.replaceAll('_', '')) : Number(s);
      return make(s, P.primary, () => value);
    }
    case 'text': { const s = pick(texts); return make(quote(s), P.primary, () => s); }
    case 'boolean': { const v = random() < 0.5; return make(String(v), P.primary, () => v); }
    case 'null': { const s = pick(['null', 'null', 'undefined']); return make(s, P.primary, () => { if (s === 'undefined') deviate(); return null; }); }
  }
  return literal(pick(['number', 'text', 'boolean', 'null']));
}

function gen(type, depth, locals = []) {
  if (type === 'any' && random() < 0.75) type = pick(['number', 'number', 'text', 'boolean', 'numbers', 'texts', 'object']);
  const fit = locals.filter((l) => l.type === type || type === 'any');
  if (fit.length > 0 && random() < 0.45) { const l = pick(fit); return make(l.name, P.primary, (env) => env[l.name]); }
  if (depth <= 0) {
    if (type === 'numbers' || type === 'texts' || type === 'object' || type === 'objects') return named(type);
    return random() < 0.5 ? named(type) : literal(type);
  }
  const sub = (t) => gen(t, depth - 1 - below(2), locals);
  if (random() < 0.1) {
    const c = sub('any'), a = sub(type), b = sub(type);
    return make(atLeast(c, P.coalesce) + ' ? ' + a.src + ' : ' + b.src, P.conditional, (e) => (c.ev(e) ? a.ev(e) : b.ev(e)));
  }
  if (random() < 0.1) {
    const a = sub(type), b = sub(type);
    switch (pick(['||', '&&', '??'])) {
      case '||': return binary('||', P.or, a, b, (e) => a.ev(e) || b.ev(e));
      case '&&': return binary('&&', P.and, a, b, (e) => a.ev(e) && b.ev(e));
      default: return binary('??', P.coalesce, a, b, (e) => a.ev(e) ?? b.ev(e));
    }
  }
  if (random() < 0.06) { const a = sub(type); return make(paren(a), P.primary, a.ev); }
  return ({ number: genNumber, text: genText, boolean: genBoolean, numbers: genNumbers, texts: genTexts, object: genObject,
            objects: () => named('objects'), any: genAny }[type])(depth, locals, sub);
}

const call = (o, name, args, compute) =>
  make(base(o) + '.' + name + '(' + args.map((a) => a.src).join(pick([',', ', '])) + ')', P.postfix, compute);
const free = (name, args, compute) => make(name + '(' + args.map((a) => a.src).join(', ') + ')', P.postfix, compute);
const filter = (o, name, compute) =>
  make(atLeast(o, P.filter) + pick(['|', ' | ']) + name, P.filter, (e) => { deviate(); return compute(e); });
const text = (v) => (isText(v) ? v : fail());
const list = (v) => (Array.isArray(v) ? v : fail());

function genNumber(depth, locals, sub) {
  switch (below(14)) {
    case 0: case 1: case 2: case 3: case 4: {
      const op = pick(['+', '-', '*', '/', '%', '-', '*', '**']);
      const a = sub(random() < 0.15 ? 'any' : 'number'), b = op === '**' ? literal('number') : sub(random() < 0.15 ? 'any' : 'number');
      const prec = op === '**' ? P.power : op === '+' || op === '-' ? P.sum : P.product;
      return binary(op, prec, a, b, (e) => { const l = a.ev(e), r = b.ev(e); return op === '+' ? add(l, r) : arithmetic(op, l, r); });
    }
    case 5: {
      const a = sub(random() < 0.3 ? 'any' : 'number');
      const op = pick(['-', '+']);
      return unary(op, a, (e) => {
        const v = a.ev(e);
        if (v === null) { deviate(); fail(); }
        const n = finite(numeric(v));
        if (op === '+') return n;
        if (!isInteger(n)) return -n;
        return n === least ? (deviate(), -Number(n)) : -n;
      });
    }
    case 6: { const a = sub(pick(['text', 'numbers', 'texts'])); return make(base(a) + '.length', P.postfix, (e) => member(a.ev(e), 'length')); }
    case 7: {
      const name = pick(['floor', 'ceil', 'round', 'trunc', 'abs']);
      const a = sub('number');
      return free('Math.' + name, [a], (e) => {
        const v = a.ev(e);
        if (!isNumber(v)) skip();
        if (!isSafe(v)) skip();
        return Math[name](Number(v));
      });
    }
    case 8: {
      const name = pick(['max', 'min']);
      const args = [sub('number'), sub('number'), sub('number')].slice(0, 1 + below(3));
      return free('Math.' + name, args, (e) => {
        const values = args.map((a) => a.ev(e));
        if (!values.every((v) => isNumber(v) && isSafe(v))) skip();
        return Math[name](...values.map(Number));
      });
    }
    case 9: {
      const a = sub('text'), b = sub('text');
      return call(a, 'indexOf', [b], (e) => {
        const s = text(a.ev(e)), f = b.ev(e);
        if (!isText(f)) skip();
        const at = s.indexOf(f);
        points(s);
        return at < 0 ? -1n : BigInt(Array.from(s.slice(0, at)).length);
      });
    }
    case 10: {
      const a = sub('numbers'), b = sub('number');
      const at = make('[' + b.src + ']', P.primary, b.ev);
      return make(base(a) + at.src, P.postfix, (e) => { const l = a.ev(e); return member(l, textOf(b.ev(e))); });
    }
    case 11: {
      const a = sub('numbers'), x = 'x' + depth, acc = 'acc' + depth;
      const inner = [...locals, { name: x, type: 'number' }, { name: acc, type: 'number' }];
      const body = gen('number', depth - 2, inner), start = sub('number');
      return make(base(a) + `.reduce((${acc}, ${x}) => ${arrowBody(body)}, ${start.src})`, P.postfix, (e) => {
        const l = list(a.ev(e));
        return l.reduce((p, c) => body.ev({ ...e, [acc]: p, [x]: c }), start.ev(e));
      });
    }
    case 12: { const a = sub('any'); return filter(a, 'length', (e) => {
      const v = a.ev(e);
      return isText(v) ? BigInt(Array.from(v).length) : Array.isArray(v) ? BigInt(v.length) : skip();
    }); }
    default: return random() < 0.5 ? literal('number') : named('number');
  }
}

function genText(depth, locals, sub) {
  switch (below(10)) {
    case 0: case 1: case 2: {
      const a = sub(random() < 0.3 ? 'any' : 'text'), b = sub(random() < 0.4 ? 'any' : 'text');
      return binary('+', P.sum, a, b, (e) => { const l = a.ev(e), r = b.ev(e); return add(l, r); });
    }
    case 3: { const a = sub('text'), m = pick(['toUpperCase', 'toLowerCase', 'trim']); return call(a, m, [], (e) => text(a.ev(e))[m]()); }
    case 4: {
      const a = sub('text'), from = unarySmall(), to = unarySmall();
      const args = [from, to].slice(0, 1 + below(2));
      return call(a, 'slice', args, (e) => points(text(a.ev(e))).slice(...args.map((x) => Number(x.ev(e)))).join(''));
    }
    case 5: {
      const a = sub('text'), b = sub('number');
      return make(base(a) + '[' + b.src + ']', P.postfix, (e) => { const s = a.ev(e); return member(s, textOf(b.ev(e))); });
    }
    case 6: {
      const a = sub(pick(['texts', 'numbers'])), b = literal('text');
      return call(a, 'join', [b], (e) => { const l = list(a.ev(e)); return l.map((v) => (v === null ? '' : textOf(v))).join(b.ev(e)); });
    }
    case 7: { const a = sub('any'); return free('String', [a], (e) => textOf(a.ev(e))); }
    case 8: { const a = sub('text'); return filter(a, 'upper', (e) => { const v = a.ev(e); return isText(v) ? v.toUpperCase() : skip(); }); }
    default: return random() < 0.5 ? literal('text') : named('text');
  }
}
const unarySmall = () => {
  const v = below(7) - 3;
  return v < 0 ? make('-' + -v, P.unary, () => BigInt(v)) : make(String(v), P.primary, () => BigInt(v));
};

function genBoolean(depth, locals, sub) {
  switch (below(12)) {
    case 0: case 1: case 2: {
      const op = pick(['<', '<=', '>', '>=']), t = pick(['number', 'text', 'any']);
      const a = sub(t), b = sub(random() < 0.2 ? 'any' : t);
      return binary(op, P.relation, a, b, (e) => { const l = a.ev(e), r = b.ev(e); return compare(op, l, r); });
    }
    case 3: case 4: case 5: {
      const op = pick(['===', '!==', '==', '!=']), t = pick(['number', 'text', 'any', 'any', 'numbers', 'object']);
      const a = sub(t), b = sub(random() < 0.3 ? 'any' : t);
      return binary(op, P.equality, a, b, (e) => {
        const l = a.ev(e), r = b.ev(e);
        if (l === null || r === null) deviate();
        const equal = op.length === 3 ? same(l, r) : alike(l, r);
        return op[0] === '!' ? !equal : equal;
      });
    }
    case 6: { const a = sub('any'); return unary('!', a, (e) => !a.ev(e)); }
    case 7: {
      const a = sub('any'), b = sub(pick(['numbers', 'texts', 'object', 'object', 'any']));
      return binary('in', P.relation, a, b, (e) => { const l = a.ev(e), r = b.ev(e); return within(l, r); });
    }
    case 8: {
      const m = pick(['includes', 'startsWith', 'endsWith']), a = sub('text'), b = sub('text');
      return call(a, m, [b], (e) => { const s = text(a.ev(e)), f = b.ev(e); return isText(f) ? s[m](f) : skip(); });
    }
    case 9: {
      const m = pick(['some', 'every']), a = sub('numbers'), x = 'x' + depth;
      const body = gen('boolean', depth - 2, [...locals, { name: x, type: 'number' }]);
      return make(base(a) + `.${m}(${x} => ${arrowBody(body)})`, P.postfix, (e) => list(a.ev(e))[m]((v) => body.ev({ ...e, [x]: v })));
    }
    case 10: { const a = sub('any'); return free('Boolean', [a], (e) => Boolean(a.ev(e))); }
    default: { const a = sub('any'); return free('Array.isArray', [a], (e) => Array.isArray(a.ev(e))); }
  }
}

function arrows(depth, locals, a, element, result) {
  const x = 'x' + depth, i = 'i' + depth, two = random() < 0.3;
  const inner = [...locals, { name: x, type: element }];
  if (two) inner.push({ name: i, type: 'number' });
  const body = gen(result, depth - 2, inner);
  const head = two ? `(${x}, ${i})` : pick([x, `(${x})`]);
  const run = (e) => (v, k) => body.ev({ ...e, [x]: v, [i]: BigInt(k) });
  return { src: `${head} => ${arrowBody(body)}`, run };
}
function genNumbers(depth, locals, sub) {
  switch (below(8)) {
    case 0: case 1: {
      const items = Array.from({ length: below(4) }, () => (random() < 0.2 ? { spread: sub('numbers') } : { one: sub('number') }));
      return make('[' + items.map((x) => (x.one ? x.one.src : '...' + atLeast(x.spread, P.conditional))).join(', ') + ']', P.primary,
                  (e) => items.flatMap((x) => (x.one ? [x.one.ev(e)] : list(x.spread.ev(e)))));
    }
    case 2: { const a = sub('numbers'), f = arrows(depth, locals, a, 'number', 'number'); return make(`${base(a)}.map(${f.src})`, P.postfix, (e) => list(a.ev(e)).map(f.run(e))); }
    case 3: { const a = sub('numbers'), f = arrows(depth, locals, a, 'number', 'boolean'); return make(`${base(a)}.filter(${f.src})`, P.postfix, (e) => list(a.ev(e)).filter(f.run(e))); }
    case 4: {
      const a = sub('numbers'), args = [unarySmall(), unarySmall()].slice(0, 1 + below(2));
      return call(a, 'slice', args, (e) => list(a.ev(e)).slice(...args.map((x) => Number(x.ev(e)))));
    }
    case 5: { const a = sub('numbers'), b = sub(pick(['numbers', 'number'])); return call(a, 'concat', [b], (e) => { const l = list(a.ev(e)); return l.concat(b.ev(e)); }); }
    case 6: { const a = sub('objects'); return make(`${base(a)}.map(r => r.a)`, P.postfix, (e) => list(a.ev(e)).map((r) => member(r, 'a'))); }
    default: return named('numbers');
  }
}
function genTexts(depth, locals, sub) {
  switch (below(6)) {
    case 0: { const items = Array.from({ length: below(4) }, () => sub('text')); return make('[' + items.map((x) => x.src).join(',') + (items.length ? pick(['', ',']) : '') + ']', P.primary, (e) => items.map((x) => x.ev(e))); }
    case 1: { const a = sub('text'), b = pick([',', ' ', 'b', '']); return make(base(a) + `.split('${b}')`, P.postfix, (e) => { const s = text(a.ev(e)); return b === '' ? points(s) : s.split(b); }); }
    case 2: { const a = sub('texts'), f = arrows(depth, locals, a, 'text', 'text'); return make(`${base(a)}.map(${f.src})`, P.postfix, (e) => list(a.ev(e)).map(f.run(e))); }
    case 3: { const a = sub('object'); return free('Object.keys', [a], (e) => { const o = a.ev(e); return isPlain(o) ? Object.keys(o) : skip(); }); }
    default: return named('texts');
  }
}
function genObject(depth, locals, sub) {
  if (random() < 0.3) return named('object');
  const items = Array.from({ length: below(4) }, () => {
    const value = sub('any');
    switch (below(5)) {
      case 0: { const s = sub('object'); return { src: '...' + s.src, put: (o, e) => { const v = s.ev(e); if (v !== null && !isPlain(v)) fail(); Object.assign(o, v); } }; }
      case 1: { const k = pick(['a', 'b', 'c d']); return { src: quote(k) + ': ' + value.src, put: (o, e) => { o[k] = value.ev(e); } }; }
      case 2: { const k = pick(['a', 'kk']); return { src: `['${k}' + 'x']: ${value.src}`, put: (o, e) => { o[k + 'x'] = value.ev(e); } }; }
      case 3: { const v = pick(['s', 'i', 'b']); return { src: v, put: (o, e) => { o[v] = e[v]; } }; }
      default: { const k = pick(['a', 'b', 'k', 'in', 'length']); return { src: k + ':' + value.src, put: (o, e) => { o[k] = value.ev(e); } }; }
    }
  });
  return make('{' + items.map((x) => x.src).join(', ') + '}', P.primary, (e) => { const o = {}; for (const x of items) x.put(o, e); return o; });
}
function genAny(depth, locals, sub) {
  const a = sub(pick(['object', 'any', 'objects', 'object']));
  switch (below(5)) {
    case 0: { const k = pick(['a', 'b', 'k', 'length', 'constructor']); return make(base(a) + pick(['.', '?.']) + k, P.postfix, (e) => member(a.ev(e), k)); }
    case 1: { const k = sub('any'); return make(base(a) + '[' + k.src + ']', P.postfix, (e) => { const o = a.ev(e); const key = k.ev(e); if (o === null) { deviate(); return null; } return member(o, textOf(key)); }); }
    case 2: return make(base(a) + '.a.b[2].c', P.postfix, (e) => ['a', 'b', '2', 'c'].reduce(member, a.ev(e)));
    case 3: { const n = sub('any'); return free('Number', [n], (e) => {
      const v = n.ev(e);
      if (v === null) { deviate(); return null; }
      const number = numeric(v);
      if (!isInteger(number) && !Number.isFinite(number)) { deviate(); return null; }
      return number;
    }); }
    default: return literal('any');
  }
}

// ---- the engine's own opinion

const native = (v) => (isInteger(v) ? Number(v) : Array.isArray(v) ? v.map(native) :
  isPlain(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, native(x)])) : v);

let agreed = 0;
for (let written = 0; written < count;) {
  const env = {};
  for (const name of Object.keys(variables)) env[name] = pick(variables[name]);
  const tree = gen(pick(['any', 'number', 'text', 'boolean', 'boolean', 'numbers']), 1 + below(5));
  if (tree.src.length > 600) continue;
  let answer, failed = false;
  deviated = false;
  try {
    answer = tree.ev(env);
  } catch (error) {
    if (error instanceof Skip) continue;
    if (!(error instanceof Failure)) throw new Error(error.stack + '\n' + tree.src + '\n' + json(env));
    failed = true;
  }
  if (!deviated && !failed) {
    ++agreed;
    const names = Object.keys(env);
    let own;
    try {
      own = new Function(...names, `"use strict"; return (${tree.src});`)(...names.map((k) => native(env[k])));
    } catch (error) {
      throw new Error(`the engine can't run ${tree.src}\n${json(env)}\n${error}`);
    }
    if (JSON.stringify(own) !== JSON.stringify(native(answer))) {
      throw new Error(`the helpers disagree with the engine: ${tree.src}\n${json(env)}\nengine ${JSON.stringify(own)}\nhelpers ${json(answer)}`);
    }
  }
  const line = { e: tree.src, v: json(env) };
  if (!failed) line.x = json(answer);
  process.stdout.write(JSON.stringify(line) + '\n');
  ++written;
}
process.stderr.write(`${agreed} of ${count} given to the engine as a whole\n`);
