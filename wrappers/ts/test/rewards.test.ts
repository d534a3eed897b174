import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { toNano } from '@ton/core';
import { account, ExitCode, NONE, Op } from '../src';
import { Market } from './market';
import { plain } from './vectors';
import { received, requireDone, requireRefused, unbonding } from './world';

// One market: each test goes on where the one before it stopped.
let market: Market;

before(async () => {
    market = await Market.open();
});

test('rewards: bonded, funded, an operator appointed', async () => {
    const { client, owner, rewards } = market;
    assert.ok((await rewards.getPot()) >= toNano(20));
    const shown = await rewards.getRewards();
    assert.ok(shown.operator.equals(account(owner.address)) && shown.pending.equals(NONE));
    assert.deepEqual([shown.bond, shown.number, shown.attempt], [toNano(25), 1, 0]);
    const state = await rewards.getState();
    assert.ok(state.$$type === 'RewardsState' && state.bond === toNano(25));
    assert.deepEqual(plain(state.taken.terms), plain(market.terms().rewards));
    const { bond, appoint } = await rewards.getFees(0);
    const amount = toNano(1);
    const via = client.getSender();
    requireRefused(await rewards.sendBond(via, bond + amount - 1n, { amount }), ExitCode.notEnoughValue);
    const operator = account(client.address);
    requireRefused(await rewards.sendAppoint(via, appoint, { operator }), ExitCode.wrongSender);
});

test('rewards: the bond leaves', async () => {
    const { dispatcher, rewards } = market;
    const [via, fees] = [dispatcher.getSender(), await rewards.getFees(0)];
    requireDone(await rewards.sendRequestUnbond(via, fees.requestUnbond, { amount: toNano(5) }));
    requireRefused(await rewards.sendWithdraw(via, fees.withdraw, { amount: 0n }), ExitCode.notEnoughFree);
    market.advance(unbonding);
    const paid = await rewards.sendWithdraw(via, fees.withdraw, { amount: 0n });
    requireDone(paid);
    assert.equal(received(paid, dispatcher.address, Op.payout), toNano(5));
    assert.deepEqual([(await rewards.getRewards()).bond, (await rewards.getRewards()).unbonding], [toNano(20), 0n]);
});
