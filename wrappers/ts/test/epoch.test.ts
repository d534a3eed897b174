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
