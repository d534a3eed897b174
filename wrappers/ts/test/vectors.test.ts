import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginCell, Cell, Slice } from '@ton/core';
import { keyPairFromSeed, sign } from '@ton/crypto';
import * as wrappers from '../src';
import { decode, encode, EpochTree, leavesOfPage, Op, verify, Writer } from '../src';
import { camel, LayoutVector, loadVectors, pascal, plain } from './vectors';

const vectors = loadVectors();

/** The generated functions by name. */
const exported = wrappers as unknown as Record<string, any>;

function storeOf(name: string): (src: any) => Writer {
    return exported['store' + pascal(name)];
}

function loadOf(name: string): (slice: Slice) => any {
    return exported['load' + pascal(name)];
}

/** What several declarations are: storage by its type, messages by who takes them. */
function unions(): Map<string, Set<string>> {
    const of = new Map<string, Set<string>>();
    for (const { name, of: type } of vectors.layouts.filter((v) => !v.of.endsWith('Msg'))) {
        of.set(type, (of.get(type) ?? new Set()).add(pascal(name)));
    }
    const several = new Map([...of].filter(([, names]) => names.size > 1));
    for (const [kind, ops] of Object.entries(vectors.messages)) {
        several.set(pascal(kind) + 'Message', new Set(Object.keys(ops).map(pascal)));
    }
    return several;
}

test('every layout has vectors', () => {
    const tested = new Set([...vectors.layouts.map((v) => pascal(v.name)), ...unions().keys(), 'Text']);
    const stores = Object.keys(exported).filter((name) => /^store[A-Z]/.test(name));
    assert.ok(stores.length > 80);
    for (const name of stores) {
        assert.ok(tested.has(name.slice('store'.length)), `${name} has no vector`);
    }
});

test('layouts encode to the cells that Go makes', () => {
    for (const v of vectors.layouts) {
        assert.equal(encode(storeOf(v.name)(v.fields)).hash().toString('hex'), v.hash, describe(v));
    }
});

test('layouts decode to the fields that Go encoded', () => {
    for (const v of vectors.layouts) {
        assert.deepEqual(plain(decode(Cell.fromBase64(v.boc), loadOf(v.name))), plain(v.fields), describe(v));
    }
});

test('types of several constructors find the right one', () => {
    const several = unions();
    assert.equal(several.size, 4 + 7); // storage with a birth, six contracts and wallets
    for (const [type, names] of several) {
        for (const v of vectors.layouts.filter((v) => names.has(pascal(v.name)))) {
            const any = decode(Cell.fromBase64(v.boc), loadOf(type));
            assert.equal(any.$$type, pascal(v.name));
            assert.equal(encode(storeOf(type)(any)).hash().toString('hex'), v.hash, describe(v));
        }
        assert.throws(() => decode(Cell.fromBase64(stranger(names).boc), loadOf(type)), type);
    }
});

/** A layout that is none of `names`. */
function stranger(names: Set<string>): LayoutVector {
    return vectors.layouts.find((v) => v.of.endsWith('Msg') && !names.has(pascal(v.name)))!;
}

test('layouts refuse a bit too many and a bit too few', () => {
    for (const v of vectors.layouts) {
        const cell = Cell.fromBase64(v.boc);
        const longer = beginCell().storeSlice(cell.beginParse());
        if (longer.availableBits > 0) {
            longer.storeBit(1);
            assert.throws(() => decode(longer.endCell(), loadOf(v.name)), describe(v));
        }
        if (cell.bits.length > 0) {
            const bits = cell.bits.substring(0, cell.bits.length - 1);
            const shorter = new Cell({ bits, refs: cell.refs });
            assert.throws(() => decode(shorter, loadOf(v.name)), describe(v));
        }
    }
});

test('layouts refuse another tag', () => {
    const tagless = new Set<string>();
    for (const v of vectors.layouts) {
        const cell = Cell.fromBase64(v.boc);
        const rest = cell.beginParse();
        if (cell.bits.length < 32 || !Object.values({ ...Op, ...wrappers.Tag }).includes(rest.loadUint(32) as never)) {
            tagless.add(v.name);
            continue;
        }
        const other = beginCell().storeUint(1, 32).storeSlice(rest).endCell();
        assert.throws(() => decode(other, loadOf(v.name)), /begins with/, describe(v));
    }
    assert.ok(tagless.size < vectors.layouts.length / 8);
});

test('op codes are those of Go', () => {
    const all = Object.values(vectors.messages).flatMap((ops) => Object.entries(ops));
    assert.deepEqual({ ...Op }, Object.fromEntries(all.map(([name, op]) => [camel(name), op])));
});

test('what keys sign is what Go signs', () => {
    assert.ok(vectors.signed.length > 0);
    for (const v of vectors.signed) {
        const key = keyPairFromSeed(Buffer.from(v.seed, 'hex'));
        assert.equal(key.publicKey.toString('hex'), v.key);
        const hash = encode(storeOf(v.name)(v.fields)).hash();
        assert.equal(sign(hash, key.secretKey).toString('hex'), v.signature, v.name);
        const signature = Buffer.from(v.signature, 'hex');
        assert.ok(verify(storeOf(v.name), v.fields, signature, key.publicKey));
        assert.ok(!verify(storeOf(v.name), { ...v.fields, globalId: ~v.fields.globalId }, signature, key.publicKey));
    }
});

test('births lead to the addresses that Go derives', () => {
    assert.equal(new Set(vectors.births.map((v) => v.contract)).size, 6);
    for (const v of vectors.births) {
        const contract = exported[pascal(v.contract)].createFromBirth(v.birth);
        assert.equal(contract.address.toRawString(), `0:${v.account}`, v.contract);
    }
});

test('epoch trees have the roots, totals and proofs of Go', () => {
    for (const v of vectors.trees) {
        const tree = new EpochTree(v.leaves);
        assert.equal(tree.root.toString('hex'), v.root);
        assert.equal(tree.total, v.total);
        for (const { from, count, hash, boc } of v.pages) {
            assert.equal(tree.proof(from, count).hash().toString('hex'), hash, `${count} of ${v.leaves.length}`);
            const leaves = leavesOfPage(Cell.fromBase64(boc), tree.root, from, count);
            assert.deepEqual(plain(leaves), plain(v.leaves.slice(from, from + count)));
        }
    }
});

function describe(v: LayoutVector): string {
    return `${v.name} ${JSON.stringify(plain(v.fields), (_, x) => (typeof x === 'bigint' ? `${x}` : x))}`;
}
