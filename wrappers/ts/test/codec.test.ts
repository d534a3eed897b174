import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Address, beginCell, Builder, Cell, ContractProvider, Sender } from '@ton/core';
import {
    account,
    address,
    birthCodes,
    decode,
    encode,
    EpochTree,
    Leaf,
    leavesOfPage,
    loadImageData,
    loadRegistryLists,
    loadStake,
    MAX_EPOCH_LEAVES,
    NONE,
    padded,
    Provider,
    storeImageData,
    storeRegistryBirth,
    storeStake,
} from '../src';

const owner = Buffer.alloc(32, 7);

test('accounts are addresses of the basechain', () => {
    assert.ok(account(address(owner)).equals(owner));
    assert.throws(() => account(new Address(-1, owner)), /not in the basechain/);
});

test('layouts refuse values that have no place in them', () => {
    const stake = { queryId: 0n, amount: 1n, response: owner };
    assert.throws(() => encode(storeStake({ ...stake, response: owner.subarray(1) })), /31 bytes/);
    assert.throws(() => encode(storeStake({ ...stake, response: undefined as never })), /no bytes/);
    assert.throws(() => encode(storeStake({ ...stake, queryId: 1n << 64n })));
    assert.throws(() => encode(storeStake({ ...stake, amount: 1n << 120n })));
    assert.throws(() => encode(storeStake({ ...stake, amount: -1n })));
    assert.throws(() => encode(storeRegistryBirth({ owner, delay: 2 ** 32 })));
});

test('texts are UTF-8 of at most 120 bytes', () => {
    const name = 'ÿ'.repeat(60);
    assert.equal(decode(encode(storeImageData({ name })), loadImageData).name, name);
    assert.throws(() => storeImageData({ name: name + '.' })(new Builder()), /at most 120/);
    assert.throws(() => storeImageData({ name: '\ud800' })(new Builder()), /is not a text/);
    const bytes = (hex: string) => beginCell().storeBuffer(Buffer.from(hex, 'hex')).endCell();
    assert.throws(() => decode(bytes('ff'), loadImageData));
    assert.throws(() => decode(bytes('00'.repeat(121)), loadImageData), /no text/);
});

test('names of GPUs and regions are padded', () => {
    assert.equal(padded('eu', 4).toString('hex'), '65750000');
    assert.throws(() => padded('eu-west', 4), /at most 4/);
    assert.throws(() => padded('é', 4), /ASCII/);
});

test('an exotic cell is no dictionary', () => {
    const branch = beginCell().storeUint(1, 8).storeUint(1, 8).storeBuffer(owner).storeUint(0, 16);
    const pruned = branch.endCell({ exotic: true });
    const lists = beginCell().storeMaybeRef(pruned).storeMaybeRef(null).endCell();
    assert.throws(() => decode(lists, loadRegistryLists));
});

test('job terms list three codes at most', () => {
    assert.equal(birthCodes([Provider.birthCode(), Provider.birthCode()]).bits.length, 2 * (256 + 16));
    assert.throws(() => birthCodes(Array.from({ length: 4 }, () => Provider.birthCode())));
});

test('the change goes to the sender, unless another is named', async () => {
    const bodies: Cell[] = [];
    const provider = { internal: async (_: Sender, args: { body: Cell }) => bodies.push(args.body) };
    const via: Sender = { address: address(owner), send: async () => {} };
    const contract = Provider.createFromAddress(address(NONE));
    const on = provider as unknown as ContractProvider;
    await contract.sendStake(on, via, 1n, { amount: 1n });
    await contract.sendStake(on, via, 1n, { amount: 1n, response: NONE, queryId: 9n });
    const [first, second] = bodies.map((body) => decode(body, loadStake));
    assert.ok(first.response.equals(owner) && first.queryId === 0n);
    assert.ok(second.response.equals(NONE) && second.queryId === 9n);
    await assert.rejects(contract.sendStake(on, { send: via.send }, 1n, { amount: 1n }), /no bytes/);
});

function leavesFor(n: number): Leaf[] {
    return Array.from({ length: n }, (_, i) => {
        const provider = Buffer.alloc(32);
        provider.writeUInt32BE(i + 1);
        const amount = BigInt(1_000_000_000 + i);
        return { provider, amount, requests: i, tokens: 0n, failures: 0, uptimeBps: 10_000, p50Ms: 200 };
    });
}

test('epoch trees refuse what the contract would refuse', () => {
    const leaves = leavesFor(3);
    assert.throws(() => new EpochTree([]), /not 0/);
    assert.throws(() => new EpochTree(Array(MAX_EPOCH_LEAVES + 1).fill(leaves[0])), /not 131073/);
    assert.throws(() => new EpochTree([leaves[1], leaves[0]]), /leaf 1/);
    assert.throws(() => new EpochTree([leaves[1], leaves[1]]), /leaf 1/);
    assert.throws(() => new EpochTree([{ ...leaves[0], provider: NONE }]), /leaf 0/);
    assert.throws(() => new EpochTree([{ ...leaves[0], amount: 1n << 120n }]));
    const most = { ...leaves[0], amount: (1n << 120n) - 1n };
    assert.throws(() => new EpochTree([most, leaves[1]]), /sum/);
});

test('pages prove their leaves, and no others', () => {
    const leaves = leavesFor(600);
    const tree = new EpochTree(leaves);
    for (let from = 0; from < 600; from += 200) {
        const page = Cell.fromBase64(tree.proof(from, 200).toBoc().toString('base64'));
        assert.deepEqual(leavesOfPage(page, tree.root, from, 200), leaves.slice(from, from + 200));
        assert.throws(() => leavesOfPage(page, tree.root, (from + 300) % 600, 1), /not in the proof/);
        assert.throws(() => leavesOfPage(page, NONE, from, 200), /no proof of this root/);
    }
    assert.throws(() => leavesOfPage(Cell.EMPTY, tree.root, 0, 1), /no proof/);
    for (const [from, count] of [[-1, 1], [0, 0], [0, 501], [600, 1], [599, 2], [0.5, 1], [NaN, 1]]) {
        assert.throws(() => tree.proof(from, count), /no page/);
    }
});

test('a proof of a richer tree proves nothing', () => {
    const [leaves, richer] = [leavesFor(8), leavesFor(8)];
    richer[3].amount *= 1000n;
    const forged = new EpochTree(richer).proof(3, 1);
    const { root } = new EpochTree(leaves);
    assert.throws(() => leavesOfPage(forged, root, 3, 1), /no proof of this root/);
    const relabelled = beginCell().storeUint(3, 8).storeBuffer(root).storeUint(forged.refs[0].depth(0), 16);
    assert.throws(() => leavesOfPage(relabelled.storeRef(forged.refs[0]).endCell({ exotic: true }), root, 3, 1));
});
