import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { toNano } from '@ton/core';
import { account, EpochTree, ExitCode, NONE, Op, Signer } from '../src';
import { Market } from './market';
import { plain } from './vectors';
import { heirAfter, keyOf, received, requireDone, requireRefused, unbonding } from './world';

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

test('rewards: a key for receipts, and where the dispatcher is reached', async () => {
    const { dispatcher, rewards } = market;
    const [via, fees] = [dispatcher.getSender(), await rewards.getFees(0)];
    assert.ok((await rewards.getReceiptKey(1)).equals(NONE));
    await market.rotateKey('receipts');
    await market.rotateKey('later receipts');
    assert.ok((await rewards.getReceiptKey(2)).equals(keyOf('receipts').publicKey));
    assert.ok((await rewards.getReceiptKey(3)).equals(keyOf('later receipts').publicKey));
    const third = { key: keyOf('third').publicKey, possession: new Signer(keyOf('third'), rewards.address).possession() };
    requireRefused(await rewards.sendRotateKey(via, fees.rotateKey, third), ExitCode.tooEarly);
    const foreign = { ...third, possession: new Signer(keyOf('receipts'), rewards.address).possession() };
    requireRefused(await rewards.sendRotateKey(via, fees.rotateKey, foreign), ExitCode.tooEarly);

    assert.equal(await rewards.getEndpoint(), null);
    const endpoint = { tlsKeyHash: Buffer.alloc(32, 7), url: 'https://a.example' };
    requireDone(await rewards.sendSetEndpoint(via, fees.setEndpoint, { endpoint }));
    assert.deepEqual(await rewards.getEndpoint(), endpoint);
    const unreadable = { endpoint: { ...endpoint, url: 'https://\u00e9.example' } };
    requireRefused(await rewards.sendSetEndpoint(via, fees.setEndpoint, unreadable), ExitCode.wrongEndpoint);
});

test('rewards: who owes cannot leave', async () => {
    const { client, dispatcher, rewards } = market;
    const [via, fees] = [dispatcher.getSender(), await rewards.getFees(0)];
    const lodge = (number: number, key: string) =>
        rewards.sendOwe(client.getSender(), fees.owe, market.receipt(number, NONE, toNano(1), key));
    requireRefused(await lodge(3, 'later receipts'), ExitCode.wrongNumber);
    requireRefused(await lodge(1, 'later receipts'), ExitCode.wrongSignature);
    requireDone(await lodge(1, 'receipts'));
    assert.equal((await rewards.getRewards()).owed, 1);
    requireDone(await rewards.sendRequestUnbond(via, fees.requestUnbond, { amount: toNano(1) }));
    market.advance(unbonding);
    requireRefused(await rewards.sendWithdraw(via, fees.withdraw, { amount: 0n }), ExitCode.owing);
    requireDone(await rewards.sendBond(via, fees.bond + toNano(1), { amount: toNano(1) }));
    const epoch = await market.openEpoch(new EpochTree(market.leaves()));
    await market.publish(epoch, market.leaves());
    market.advance(20);
    requireDone(await epoch.sendPass(via, (await epoch.getFees(0)).pass));
    requireDone(await rewards.sendWithdraw(via, fees.withdraw, { amount: 0n }));
});

test('rewards: an owner hands over, an heir succeeds', async () => {
    const { client, dispatcher, owner, rewards } = market;
    const [via, fees] = [dispatcher.getSender(), await rewards.getFees(0)];
    const next = account(client.address);
    requireRefused(await rewards.sendAcceptOwnership(client.getSender(), fees.acceptOwnership), ExitCode.wrongSender);
    requireDone(await rewards.sendTransferOwnership(via, fees.transferOwnership, { owner: next }));
    requireDone(await rewards.sendAcceptOwnership(client.getSender(), fees.acceptOwnership));
    requireRefused(await rewards.sendSetHeir(via, fees.setHeir, { heir: next }), ExitCode.wrongSender);
    const heir = account(owner.address);
    requireDone(await rewards.sendSetHeir(client.getSender(), fees.setHeir, { heir }));
    market.advance(heirAfter - 1);
    requireRefused(await rewards.sendSucceed(owner.getSender(), fees.succeed), ExitCode.tooEarly);
    market.advance(1);
    requireRefused(await rewards.sendSucceed(client.getSender(), fees.succeed), ExitCode.wrongSender);
    requireDone(await rewards.sendSucceed(owner.getSender(), fees.succeed));
    const shown = await rewards.getRewards();
    assert.ok(shown.owner.equals(heir) && shown.operator.equals(heir));
    assert.ok(shown.heir.equals(NONE) && shown.nextOwner.equals(NONE));
    assert.equal(shown.seenAt, market.now);
});
