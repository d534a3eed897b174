import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cell, Dictionary } from '@ton/core';
import { Leaf } from '../src';

/** What the Go wrappers make of values: see wrappers/vectors_test.go. */
export interface Vectors {
    /** Operations by who takes them and by name. */
    messages: Record<string, Record<string, number>>;
    layouts: LayoutVector[];
    signed: (LayoutVector & { seed: string; key: string; signature: string })[];
    births: { contract: string; birth: any; account: string }[];
    trees: {
        leaves: Leaf[];
        root: string;
        total: bigint;
        pages: { from: number; count: number; hash: string; boc: string }[];
    }[];
}

export interface LayoutVector {
    name: string;
    of: string;
    fields: any;
    hash: string;
    boc: string;
}

/** What JSON cannot say is an object whose only key begins with "$". */
const tagged: Record<string, (x: any) => unknown> = {
    $int: (x) => BigInt(x),
    $bytes: (x) => Buffer.from(x, 'hex'),
    $cell: (x) => Cell.fromBase64(x),
    $dict: (x: [any, any][]) => {
        const dict = Dictionary.empty<any, any>();
        x.forEach(([key, value]) => dict.set(key, value));
        return dict;
    },
};

function revive(_: string, x: unknown): unknown {
    if (x === null || typeof x !== 'object' || Array.isArray(x)) {
        return x;
    }
    const entries = Object.entries(x);
    if (entries.length === 1 && entries[0][0] in tagged) {
        return tagged[entries[0][0]](entries[0][1]);
    }
    return Object.fromEntries(entries.map(([name, value]) => [camel(name), value]));
}

export function loadVectors(): Vectors {
    const file = join(__dirname, '..', '..', '..', 'testdata', 'vectors.json');
    return JSON.parse(readFileSync(file, 'utf8'), revive);
}

/** The schema's name as TypeScript has it. */
export function camel(name: string): string {
    return name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
}

export function pascal(name: string): string {
    return name[0].toUpperCase() + camel(name.slice(1));
}

/** A value in a form that assert can compare: cells by their hash, dictionaries by their entries. */
export function plain(x: unknown): unknown {
    if (x instanceof Cell) {
        return { cell: x.hash().toString('hex') };
    }
    if (Buffer.isBuffer(x)) {
        return { bytes: x.toString('hex') };
    }
    if (x instanceof Dictionary) {
        return { dict: [...x].map((entry) => entry.map(plain)) };
    }
    if (x !== null && typeof x === 'object') {
        return Object.fromEntries(Object.entries(x).map(([name, value]) => [name, plain(value)]));
    }
    return x;
}
