import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { toNano } from '@ton/core';
import { account, address, ExitCode, JobPhase, NONE, Op, Signer, storePassFor } from '../src';
import { Market } from './market';
import { plain } from './vectors';
import { keyOf, received, requireDone, requireRefused } from './world';

// One market: each test goes on where the one before it stopped.
let market: Market;

before(async () => {
    market = await Market.open();
});

test('job: offered to one provider, accepted, delivered from outside, approved, paid', async () => {
    const { client, owner, dispatcher, provider } = market;
    const job = await market.openJob(1n, keyOf('offer').publicKey);
    const pass = new Signer(keyOf('offer'), job.address).sign(storePassFor, { provider: account(provider.address) });
    await market.acceptJob(job, { signature: pass.signature });
    const bound = (await job.getJob()).bound!;
    assert.ok(address(bound.provider).equals(provider.address));
    assert.equal((await provider.getProvider()).allowance, toNano(4));

    const { signed: delivery, signature } = market.deliveryOf(job);
    requireDone(await job.sendDeliverExternal({ delivery, signature }));
    assert.equal((await job.getJob()).phase, JobPhase.delivered);
    assert.deepEqual(plain((await job.getJob()).result), plain(delivery));

    const { approve } = await job.getFees();
    requireRefused(await job.sendApprove(owner.getSender(), approve), ExitCode.wrongSender);
    const paid = await job.sendApprove(client.getSender(), approve);
    requireDone(paid);
    assert.equal(received(paid, market.treasury.address, Op.payout), toNano('0.008')); // 1 % of 0.8
    assert.equal(received(paid, dispatcher.address, Op.payout), toNano('0.04')); // 5 %
    assert.equal(received(paid, provider.address, Op.income), toNano('1.752')); // the rest and the bond
    assert.ok(received(paid, client.address, Op.payout) > toNano('0.2')); // what was not asked for, and more
    assert.equal((await job.getJob()).phase, JobPhase.closed);
    assert.equal((await provider.getProvider()).allowance, toNano(5));
    const state = await job.getState();
    assert.ok(state.phase === JobPhase.closed && state.result?.amount === toNano('0.8'));
});

test('job: delivered in a message, reviewed in silence, finished by anyone', async () => {
    const { owner } = market;
    const job = await market.openJob(2n);
    await market.acceptJob(job, null);
    const fees = await job.getFees();
    const { signed: delivery, signature } = market.deliveryOf(job);
    requireDone(await job.sendDeliver(owner.getSender(), fees.deliver, { delivery, signature }));
    requireRefused(await job.sendFinish(owner.getSender(), fees.finish), ExitCode.tooEarly);
    market.advance(30);
    requireDone(await job.sendFinish(owner.getSender(), fees.finish));
    assert.equal((await job.getJob()).phase, JobPhase.closed);
});

test('job: nobody accepts, so it is cancelled or expires', async () => {
    const { client, owner } = market;
    const [cancelled, expired] = [await market.openJob(3n), await market.openJob(4n)];
    const fees = await cancelled.getFees();
    requireDone(await cancelled.sendCancel(client.getSender(), fees.cancel));
    requireRefused(await expired.sendExpire(owner.getSender(), fees.expire), ExitCode.tooEarly);
    market.advance(60);
    requireDone(await expired.sendExpire(owner.getSender(), fees.expire));
    for (const job of [cancelled, expired]) {
        assert.equal((await job.getJob()).phase, JobPhase.closed);
        assert.equal(await market.balance(job.address), 0n);
    }
});

test('job: disputed, and ruled upon by the arbiter of its offer', async () => {
    const { client, owner, founder, provider } = market;
    const job = await market.openJob(5n, NONE, account(founder.address));
    await market.acceptJob(job, null);
    const fees = await job.getFees();
    const { signed: delivery, signature } = market.deliveryOf(job);
    requireDone(await job.sendDeliver(owner.getSender(), fees.deliver, { delivery, signature }));
    const deposit = toNano('0.1');
    requireRefused(await job.sendDispute(client.getSender(), fees.dispute + deposit - 1n), ExitCode.notEnoughValue);
    requireDone(await job.sendDispute(client.getSender(), fees.dispute + deposit));
    assert.equal((await job.getJob()).phase, JobPhase.disputed);
    const ruling = { payBps: 2_500, bondBps: 5_000 };
    requireRefused(await job.sendRule(owner.getSender(), fees.rule, ruling), ExitCode.wrongSender);
    const ruled = await job.sendRule(founder.getSender(), fees.rule, ruling);
    requireDone(ruled);
    assert.equal(received(ruled, founder.address, Op.payout), deposit); // out of the bond
    assert.equal(received(ruled, provider.address, Op.income), toNano('0.188') + toNano('0.45')); // 94 % of 0.2, half of what is left of the bond
    assert.equal((await job.getJob()).phase, JobPhase.closed);
});
