import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { toNano } from '@ton/core';
import { account, address, EpochPhase, EpochTree, ExitCode, NONE, Op } from '../src';
import { Market } from './market';
import { received, requireDone, requireRefused } from './world';

// One market: each test goes on where the one before it stopped.
let market: Market;

before(async () => {
    market = await Market.open();
});

test('epoch: opened, published, claimed, pushed, finished', async () => {
    const { client, provider, rewards } = market;
    const tree = new EpochTree(market.leaves());
    const epoch = await market.openEpoch(tree);
    assert.ok((await rewards.getRewards()).pending.equals(account(epoch.address)));
    const via = client.getSender();
    for (const [from, count] of [[0, 2], [2, 1]]) {
        const { publish } = await epoch.getFees(count);
        requireDone(await epoch.sendPublish(via, publish, { from, count, page: tree.proof(from, count) }));
    }
    const shown = await epoch.getEpoch();
    assert.equal(shown.phase, EpochPhase.window);
    assert.deepEqual([shown.published, shown.sum, shown.count], [3, tree.total, 3]);
    assert.ok(shown.root.equals(tree.root) && shown.rewards.equals(account(rewards.address)));
    const fees = await epoch.getFees(3);
    requireRefused(await epoch.sendPass(via, fees.pass), ExitCode.tooEarly);
    market.advance(20);
    requireDone(await epoch.sendPass(via, fees.pass));
    assert.equal((await rewards.getRewards()).number, 2);

    const index = market.leaves().findIndex((leaf) => leaf.provider.equals(account(provider.address)));
    const claim = { index, proof: tree.proof(index, 1) };
    const claimed = await epoch.sendClaim(via, fees.claim, claim);
    requireDone(claimed);
    assert.equal(received(claimed, provider.address, Op.income), toNano(2));
    assert.ok((await epoch.isPaid(index)) && !(await epoch.isPaid((index + 1) % 3)));
    requireRefused(await epoch.sendClaim(via, fees.claim, claim), ExitCode.alreadyClaimed);
    const pushed = await epoch.sendPush(via, fees.push, { from: 0, count: 3, page: tree.proof(0, 3) });
    requireDone(pushed);
    assert.equal(received(pushed, provider.address, Op.income), 0n); // it has claimed
    assert.equal(received(pushed, address(market.leaves()[index ? 0 : 1].provider), Op.income), toNano(2));
    assert.ok(await epoch.isPaid((index + 1) % 3));
    assert.equal((await epoch.getEpoch()).paid, tree.total);
    const finished = await epoch.sendFinish(via, fees.finish);
    requireDone(finished);
    assert.equal(received(finished, market.treasury.address, Op.payout), tree.total / 100n);
    const state = await epoch.getState();
    assert.ok(state.$$type === 'EpochState' && state.phase === EpochPhase.finished);
    assert.equal(state.opened.number, 1);
});

test('epoch: not published in time, so its money goes back', async () => {
    const { client, rewards } = market;
    const pot = await rewards.getPot();
    const epoch = await market.openEpoch(new EpochTree(market.leaves()));
    const { fail } = await epoch.getFees(0);
    requireRefused(await epoch.sendFail(client.getSender(), fail), ExitCode.tooEarly);
    market.advance(20);
    requireDone(await epoch.sendFail(client.getSender(), fail));
    const shown = await rewards.getRewards();
    assert.deepEqual([shown.number, shown.attempt], [2, 1]);
    assert.ok(shown.pending.equals(NONE) && (await rewards.getPot()) >= pot);
});

test('epoch: a tree below a receipt dies, and its dispatcher pays', async () => {
    const { client, dispatcher, provider, rewards, treasury } = market;
    await market.rotateKey('receipts');
    const [leaves, pot, bond] = [market.leaves(), await rewards.getPot(), (await rewards.getRewards()).bond];
    const tree = new EpochTree(leaves);
    const epoch = await market.openEpoch(tree);
    await market.publish(epoch, leaves);
    const { prove } = await epoch.getFees(0);
    const via = client.getSender();
    const earner = account(provider.address);
    const index = leaves.findIndex((leaf) => leaf.provider.equals(earner));
    const first = Math.max(index - 1, 0);
    const proof = tree.proof(first, index - first + 1);
    const earned = (amount: bigint) => ({ ...market.receipt(2, earner, amount), index, proof });
    requireRefused(await epoch.sendProve(via, prove, earned(toNano(2))), ExitCode.wrongEvidence);
    requireRefused(await epoch.sendProve(via, prove, { ...earned(toNano(3)), index: index + 1 }), ExitCode.wrongEvidence);
    const proven = await epoch.sendProve(via, prove, earned(toNano(3)));
    requireDone(proven);
    assert.equal(received(proven, provider.address, Op.income), toNano('0.5')); // a quarter of 2 TON
    assert.equal(received(proven, treasury.address, Op.payout), toNano('1.5'));
    const shown = await rewards.getRewards();
    assert.deepEqual([shown.bond, shown.number], [bond - toNano(2), 2]);
    assert.ok(shown.pending.equals(NONE) && (await rewards.getPot()) >= pot);
    assert.equal((await epoch.getEpoch()).phase, EpochPhase.failed);
    assert.ok((await epoch.getEpoch()).last.equals(earner));

    const honest = leaves.map((leaf, at) => (at === index ? { ...leaf, amount: toNano(3) } : leaf));
    const { bond: bonding } = await rewards.getFees(0);
    requireDone(await rewards.sendBond(dispatcher.getSender(), bonding + toNano(2), { amount: toNano(2) }));
    const retry = await market.openEpoch(new EpochTree(honest));
    await market.publish(retry, honest);
    const better = { ...earned(toNano(3)), proof: new EpochTree(honest).proof(first, index - first + 1) };
    requireRefused(await retry.sendProve(via, prove, better), ExitCode.wrongEvidence);
});
