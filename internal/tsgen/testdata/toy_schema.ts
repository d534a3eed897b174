/** Generated from toy.tlb. */

import { Builder, Cell, Dictionary, Slice } from '@ton/core';
import { type Text, decode, decodeMaybe, dictValue, encode, loadDict, loadTag, loadText, storeBytes, storeText } from './codec';

/** Operations, which bodies of messages begin with. */
export const Op = {
    pay: 0x0000002a,
    close: 0x8000002b,
    sold: 0x0000002c,
} as const;

/** Tags of other layouts. */
export const Tag = {
    note: 0x0000002d,
    gone: 0x0000002e,
} as const;

/** Anyone. Pays sum to whom. */
export interface Pay {
    queryId: bigint;
    to: Buffer;
    sum: bigint;
    note: Note | null;
}

export function storePay(src: Pay) {
    return (builder: Builder) => {
        builder.storeUint(0x0000002a, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.to, 32);
        builder.storeCoins(src.sum);
        builder.storeMaybeRef(src.note && encode(storeNote(src.note)));
    };
}

export function loadPay(slice: Slice): Pay {
    loadTag(slice, 0x0000002a, 32, 'pay');
    return {
        queryId: slice.loadUintBig(64),
        to: slice.loadBuffer(32),
        sum: slice.loadCoins(),
        note: decodeMaybe(slice.loadMaybeRef(), loadNote),
    };
}

/**
 * Owner, once; the shop closes *\/ for good.
 * Nothing comes back.
 */
export interface Close {
    queryId: bigint;
}

export function storeClose(src: Close) {
    return (builder: Builder) => {
        builder.storeUint(0x8000002b, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadClose(slice: Slice): Close {
    loadTag(slice, 0x8000002b, 32, 'close');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/** A shop, when it sells. */
export interface Sold {
    queryId: bigint;
}

export function storeSold(src: Sold) {
    return (builder: Builder) => {
        builder.storeUint(0x0000002c, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadSold(slice: Slice): Sold {
    loadTag(slice, 0x0000002c, 32, 'sold');
    return {
        queryId: slice.loadUintBig(64),
    };
}

export interface Note {
    at: number;
    text: Text;
    more: Cell | null;
}

export function storeNote(src: Note) {
    return (builder: Builder) => {
        builder.storeUint(0x0000002d, 32);
        builder.storeInt(src.at, 32);
        storeText(src.text)(builder);
        builder.storeMaybeRef(src.more);
    };
}

export function loadNote(slice: Slice): Note {
    loadTag(slice, 0x0000002d, 32, 'note');
    return {
        at: slice.loadInt(32),
        text: loadText(slice),
        more: slice.loadMaybeRef(),
    };
}

export interface Born {
    owner: Buffer;
}

export function storeBorn(src: Born) {
    return (builder: Builder) => {
        builder.storeUint(0x0, 1);
        storeBytes(builder, src.owner, 32);
    };
}

export function loadBorn(slice: Slice): Born {
    loadTag(slice, 0x0, 1, 'born');
    return {
        owner: slice.loadBuffer(32),
    };
}

/** Any State. */
export type State =
    | ({ $$type: 'Born' } & Born)
    | ({ $$type: 'Open' } & Open);

export function storeState(src: State): (builder: Builder) => void {
    switch (src.$$type) {
        case 'Born':
            return storeBorn(src);
        case 'Open':
            return storeOpen(src);
    }
}

export function loadState(slice: Slice): State {
    switch (slice.preloadUint(1)) {
        case 0x0:
            return { $$type: 'Born', ...loadBorn(slice) };
        case 0x1:
            return { $$type: 'Open', ...loadOpen(slice) };
    }
    throw new Error('no State begins like this');
}

export interface Open {
    born: State;
    prices: Dictionary<Buffer, Price>;
    notes: Dictionary<number, Note>;
    counts: Dictionary<number, bigint>;
    last: Price;
    seal: Cell;
}

const openPrices = {
    key: Dictionary.Keys.Buffer(32),
    value: dictValue<Price>(
        (src, builder) => builder.storeRef(encode(storePrice(src))),
        (slice) => decode(slice.loadRef(), loadPrice),
    ),
};

const openNotes = {
    key: Dictionary.Keys.Uint(16),
    value: dictValue<Note>(
        (src, builder) => storeNote(src)(builder),
        (slice) => loadNote(slice),
    ),
};

const openCounts = {
    key: Dictionary.Keys.Uint(8),
    value: dictValue<bigint>(
        (src, builder) => builder.storeCoins(src),
        (slice) => slice.loadCoins(),
    ),
};

export function storeOpen(src: Open) {
    return (builder: Builder) => {
        builder.storeUint(0x1, 1);
        builder.storeRef(encode(storeState(src.born)));
        builder.storeDict(src.prices, openPrices.key, openPrices.value);
        builder.storeDict(src.notes, openNotes.key, openNotes.value);
        builder.storeDict(src.counts, openCounts.key, openCounts.value);
        storePrice(src.last)(builder);
        builder.storeRef(src.seal);
    };
}

export function loadOpen(slice: Slice): Open {
    loadTag(slice, 0x1, 1, 'open');
    return {
        born: decode(slice.loadRef(), loadState),
        prices: loadDict(slice, openPrices.key, openPrices.value),
        notes: loadDict(slice, openNotes.key, openNotes.value),
        counts: loadDict(slice, openCounts.key, openCounts.value),
        last: loadPrice(slice),
        seal: slice.loadRef(),
    };
}

export interface Price {
    ask: bigint;
    fresh: boolean;
}

export function storePrice(src: Price) {
    return (builder: Builder) => {
        builder.storeCoins(src.ask);
        builder.storeBit(src.fresh);
    };
}

export function loadPrice(slice: Slice): Price {
    return {
        ask: slice.loadCoins(),
        fresh: slice.loadBoolean(),
    };
}

export interface Gone {
}

export function storeGone(_: Gone) {
    return (builder: Builder) => {
        builder.storeUint(0x0000002e, 32);
    };
}

export function loadGone(slice: Slice): Gone {
    loadTag(slice, 0x0000002e, 32, 'gone');
    return {
    };
}

/** Any message that a shop takes. */
export type ShopMessage =
    | ({ $$type: 'Pay' } & Pay)
    | ({ $$type: 'Close' } & Close)
    | ({ $$type: 'Sold' } & Sold);

export function storeShopMessage(src: ShopMessage): (builder: Builder) => void {
    switch (src.$$type) {
        case 'Pay':
            return storePay(src);
        case 'Close':
            return storeClose(src);
        case 'Sold':
            return storeSold(src);
    }
}

export function loadShopMessage(slice: Slice): ShopMessage {
    switch (slice.preloadUint(32)) {
        case 0x0000002a:
            return { $$type: 'Pay', ...loadPay(slice) };
        case 0x8000002b:
            return { $$type: 'Close', ...loadClose(slice) };
        case 0x0000002c:
            return { $$type: 'Sold', ...loadSold(slice) };
    }
    throw new Error('no ShopMessage begins like this');
}
