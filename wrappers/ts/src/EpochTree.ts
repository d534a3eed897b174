import { beginCell, Cell, CellType, convertToMerkleProof, Dictionary, Slice } from '@ton/core';
import { dictValue, NONE } from './codec';
import { Leaf, loadLeaf, storeLeaf } from './schema_gen';

/** Bounds of an epoch, the same as in contracts/epoch.fc. */
export const MAX_EPOCH_LEAVES = 1 << 17;
export const MAX_PUBLISH_PAGE = 500;
export const MAX_PUSH_PAGE = 250;

const keyBits = 17;
const key = Dictionary.Keys.Uint(keyBits);
const value = dictValue<Leaf>((src, builder) => storeLeaf(src)(builder), loadLeaf);

/**
 * The dictionary of an epoch's leaves, whose root a dispatcher puts on chain
 * and whose proofs publish, push and claim carry. A leaf's place is its index.
 */
export class EpochTree {
    /** What openEpoch carries. */
    readonly root: Buffer;
    /** Sum of all amounts, in nanoTON. */
    readonly total: bigint;
    readonly length: number;
    private readonly cell: Cell;

    /** @throws where the contract would refuse the leaves: it wants providers that ascend strictly */
    constructor(leaves: Leaf[]) {
        checkLeaves(leaves);
        const dict = Dictionary.empty(key, value);
        leaves.forEach((leaf, i) => dict.set(i, leaf));
        this.cell = beginCell().storeDictDirect(dict).endCell();
        this.root = this.cell.hash();
        this.total = sumOf(leaves);
        this.length = leaves.length;
    }

    /** Merkle proof of leaves `[from, from + count)`, at most MAX_PUBLISH_PAGE of them. */
    proof(from: number, count: number): Cell {
        checkPage(from, count, this.length);
        return convertToMerkleProof(prune(this.cell, 0, keyBits, from, from + count));
    }
}

/**
 * Reads leaves `[from, from + count)` out of a proof that they belong to the
 * tree with this root.
 *
 * @throws where the proof is of something else
 */
export function leavesOfPage(proof: Cell, root: Buffer, from: number, count: number): Leaf[] {
    checkPage(from, count, MAX_EPOCH_LEAVES);
    // @ton/core has compared the hash that a proof names with the tree in it
    if (proof.type !== CellType.MerkleProof || !proof.refs[0].hash(0).equals(root)) {
        throw new Error('no proof of this root');
    }
    const dict = Dictionary.loadDirect(key, value, proof.refs[0]);
    return Array.from({ length: count }, (_, i) => {
        const leaf = dict.get(from + i);
        if (!leaf) {
            throw new Error(`leaf ${from + i} is not in the proof`);
        }
        return leaf;
    });
}

function checkLeaves(leaves: Leaf[]) {
    if (leaves.length === 0 || leaves.length > MAX_EPOCH_LEAVES) {
        throw new Error(`an epoch has 1 to ${MAX_EPOCH_LEAVES} leaves, not ${leaves.length}`);
    }
    let last: Buffer = NONE;
    leaves.forEach(({ provider }, i) => {
        if (provider.compare(last) <= 0) {
            throw new Error(`leaf ${i} does not come after the one before it`);
        }
        last = provider;
    });
}

function sumOf(leaves: Leaf[]): bigint {
    const sum = leaves.reduce((sum, leaf) => sum + leaf.amount, 0n);
    if (sum >= 1n << 120n) {
        throw new Error(`the sum of ${leaves.length} leaves is more than Coins hold`);
    }
    return sum;
}

function checkPage(from: number, count: number, length: number) {
    const whole = Number.isInteger(from) && Number.isInteger(count);
    if (!whole || from < 0 || count < 1 || count > MAX_PUBLISH_PAGE || from + count > length) {
        throw new Error(`no page of ${count} leaves from ${from} in a tree of ${length}`);
    }
}

/**
 * Copies what leads to leaves `[from, to)` and prunes the rest of the edge
 * `cell`, below which indices have `bits` bits and begin at `start`.
 */
function prune(cell: Cell, start: number, bits: number, from: number, to: number): Cell {
    if (cell.refs.length === 0) {
        return cell; // no larger than what would stand for it
    }
    if (start >= to || start + 2 ** bits <= from) {
        return prunedBranch(cell);
    }
    const label = loadLabel(cell.beginParse(), bits);
    const below = bits - label.length;
    const middle = 2 ** (below - 1);
    const first = start + label.value * 2 ** below;
    return beginCell()
        .storeBits(cell.bits)
        .storeRef(prune(cell.refs[0], first, below - 1, from, to))
        .storeRef(prune(cell.refs[1], first + middle, below - 1, from, to))
        .endCell();
}

function prunedBranch(cell: Cell): Cell {
    return beginCell()
        .storeUint(CellType.PrunedBranch, 8)
        .storeUint(1, 8) // of the only Merkle proof around it
        .storeBuffer(cell.hash())
        .storeUint(cell.depth(), 16)
        .endCell({ exotic: true });
}

/** HmLabel: short, long, or one bit repeated. */
function loadLabel(slice: Slice, max: number): { length: number; value: number } {
    const lengthBits = 32 - Math.clz32(max);
    if (!slice.loadBit()) {
        let length = 0;
        while (slice.loadBit()) {
            length++;
        }
        return { length, value: slice.loadUint(length) };
    }
    if (!slice.loadBit()) {
        const length = slice.loadUint(lengthBits);
        return { length, value: slice.loadUint(length) };
    }
    const bit = slice.loadBit();
    const length = slice.loadUint(lengthBits);
    return { length, value: bit ? 2 ** length - 1 : 0 };
}
