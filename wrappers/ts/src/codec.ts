import { Address, beginCell, Builder, Cell, Dictionary, DictionaryKey, DictionaryValue, Slice } from '@ton/core';
import { sha256_sync } from '@ton/crypto';

/** What writes a value, as every store function of the schema returns it. */
export type Writer = (builder: Builder) => void;

/** The cell that `writer` fills, as in `encode(storeVoucher(v))`. */
export function encode(writer: Writer): Cell {
    return beginCell().store(writer).endCell();
}

/**
 * Reads a cell to its end, as in `decode(body, loadStake)`.
 *
 * @throws where the cell holds something else, or something more
 */
export function decode<T>(cell: Cell, load: (slice: Slice) => T): T {
    const slice = cell.beginParse();
    const value = load(slice);
    slice.endParse();
    return value;
}

/** `decode` for what may be absent. */
export function decodeMaybe<T>(cell: Cell | null, load: (slice: Slice) => T): T | null {
    return cell && decode(cell, load);
}

/**
 * The 32 bytes that messages and storage keep of an address.
 *
 * @throws outside the basechain, where no contract of ours pays
 */
export function account(address: Address): Buffer {
    if (address.workChain !== 0) {
        throw new Error(`${address} is not in the basechain`);
    }
    return address.hash;
}

/** The basechain address of 32 bytes that a contract keeps, the inverse of `account`. */
export function address(account: Buffer): Address {
    return new Address(0, account);
}

/** Stands for nobody where the schema says 0, and for no key. */
export const NONE: Buffer = Buffer.alloc(32);

/** UTF-8 that fills the rest of its cell, at most 120 bytes of it. */
export type Text = string;

const maxTextBytes = 120;

export function storeText(src: Text): Writer {
    const bytes = Buffer.from(src, 'utf8');
    if (bytes.length > maxTextBytes || bytes.toString('utf8') !== src) {
        throw new Error(`"${src}" is not a text of at most ${maxTextBytes} bytes`);
    }
    return (builder) => builder.storeBuffer(bytes);
}

export function loadText(slice: Slice): Text {
    if (slice.remainingBits % 8 !== 0 || slice.remainingBits > maxTextBytes * 8) {
        throw new Error(`${slice.remainingBits} bits are no text`);
    }
    const bytes = slice.loadBuffer(slice.remainingBits / 8);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** ASCII padded with zeros, as a worker's record has its GPU (32 bytes) and region (16). */
export function padded(text: string, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    if (!/^[\x20-\x7e]*$/.test(text) || text.length > length) {
        throw new Error(`"${text}" is not ASCII of at most ${length} characters`);
    }
    bytes.write(text, 'ascii');
    return bytes;
}

/** The id of a model on chain, SHA-256 of its public name, as in "Qwen/Qwen3-32B". */
export function modelId(name: string): Buffer {
    return sha256_sync(name);
}

// ---- what the generated functions are made of

export function loadTag(slice: Slice, tag: number, width: number, name: string) {
    const found = slice.loadUint(width);
    if (found !== tag) {
        throw new Error(`${name} begins with 0x${tag.toString(16)}, not 0x${found.toString(16)}`);
    }
}

/** @ton/core would store bytes of any length. */
export function storeBytes(builder: Builder, bytes: Buffer, length: number) {
    if (bytes?.length !== length) {
        throw new Error(`${bytes?.length ?? 'no'} bytes where the schema has ${length}`);
    }
    builder.storeBuffer(bytes);
}

/** Values of a dictionary, each read to its end. */
export function dictValue<V>(
    store: (src: V, builder: Builder) => void,
    load: (slice: Slice) => V,
): DictionaryValue<V> {
    return {
        serialize: store,
        parse: (slice) => {
            const value = load(slice);
            slice.endParse();
            return value;
        },
    };
}

/** @ton/core would take an exotic cell for an empty dictionary. */
export function loadDict<K extends number | Buffer, V>(
    slice: Slice,
    key: DictionaryKey<K>,
    value: DictionaryValue<V>,
): Dictionary<K, V> {
    const root = slice.loadMaybeRef();
    return root ? Dictionary.loadDirect(key, value, root) : Dictionary.empty(key, value);
}
