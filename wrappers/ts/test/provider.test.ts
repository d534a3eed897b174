import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { toNano } from '@ton/core';
import { ExitCode, NONE, Op, Signer, storeRetireWorkerOrder, tranchesOf } from '../src';
import { Market } from './market';
import { plain } from './vectors';
import { keyOf, received, record, requireDone, requireRefused, unbonding } from './world';

// One market: each test goes on where the one before it stopped.
let market: Market;

before(async () => {
    market = await Market.open();
});

test('provider: stake, terms, an operator and a worker', async () => {
    const { client, provider } = market;
    const shown = await provider.getProvider();
    assert.deepEqual([shown.stake, shown.allowance, shown.revision], [toNano(10), toNano(5), 1n]);
    assert.deepEqual([shown.gpus, shown.count, shown.index], [1, 1, 0]);
    assert.ok(shown.hash.equals(await market.termsHash()) && shown.awaiting.equals(NONE));
    assert.ok(shown.operator.equals(keyOf('operator').publicKey));
    const worker = await provider.getWorker(keyOf('worker').publicKey);
    assert.deepEqual(plain(worker), plain({ retiredAt: 0, gpus: 1, record: record(), slashed: false }));
    assert.equal(await provider.getWorker(keyOf('nobody').publicKey), null);
    const money = await provider.getMoney();
    assert.equal(money.required, toNano(7));
    assert.ok(money.free >= toNano(3) && money.free < toNano('3.2'));
    const [via, { stake, withdraw }] = [client.getSender(), await provider.getFees()];
    const amount = toNano(1);
    requireRefused(await provider.sendStake(via, stake + amount - 1n, { amount }), ExitCode.notEnoughValue);
    requireRefused(await provider.sendWithdraw(via, withdraw, { amount }), ExitCode.wrongSender);
    requireDone(await provider.sendStake(via, stake + amount, { amount })); // anyone may
    assert.equal((await provider.getProvider()).stake, toNano(11));
});

test('provider: two receipts of one number cost a worker its share of the stake', async () => {
    const reported = await Market.open(); // its worker is gone after that
    const { client, provider, treasury } = reported;
    const [via, { reportEquivocation }] = [client.getSender(), await provider.getFees()];
    const evidence = reported.equivocation();
    const same = { ...evidence, second: evidence.first };
    requireRefused(await provider.sendReportEquivocation(via, reportEquivocation, same), ExitCode.wrongEvidence);
    const report = await provider.sendReportEquivocation(via, reportEquivocation, evidence);
    requireDone(report);
    assert.equal(received(report, client.address, Op.payout), toNano('0.4')); // a fifth of 2 TON
    assert.equal(received(report, treasury.address, Op.payout), toNano('1.6'));
    const worker = await provider.getWorker(evidence.worker);
    assert.ok(worker?.slashed && worker.retiredAt === reported.now);
    assert.equal((await provider.getProvider()).stake, toNano(8));
    requireRefused(await provider.sendReportEquivocation(via, reportEquivocation, evidence), ExitCode.alreadySlashed);
});

test('provider: a worker retires and is pruned, stake leaves', async () => {
    const { owner, provider } = market;
    const [via, fees] = [owner.getSender(), await provider.getFees()];
    const worker = keyOf('worker').publicKey;
    const operator = new Signer(keyOf('operator'), provider.address);
    const { signed: order, signature } = operator.sign(storeRetireWorkerOrder, { revision: 2n, worker });
    requireDone(await provider.sendRetireWorker(via, fees.retireWorker, { signature, order }));
    requireDone(await provider.sendRequestUnstake(via, fees.requestUnstake, { amount: toNano(4) }));
    assert.equal((await provider.getWorker(worker))?.retiredAt, market.now);
    const state = await provider.getState();
    assert.ok(state.$$type === 'ProviderState');
    assert.deepEqual(tranchesOf(state), [{ at: market.now + unbonding, amount: toNano(4) }]);
    requireRefused(await provider.sendPrune(via, fees.prune, { worker }), ExitCode.tooEarly);
    market.advance(unbonding);
    requireDone(await provider.sendPrune(via, fees.prune, { worker }));
    assert.equal((await provider.getProvider()).count, 0);
    const { free } = await provider.getMoney();
    const paid = await provider.sendWithdraw(via, fees.withdraw, { amount: 0n });
    requireDone(paid);
    assert.equal(received(paid, owner.address, Op.payout), free + toNano(4));
    assert.equal((await provider.getProvider()).stake, toNano(7));
});
