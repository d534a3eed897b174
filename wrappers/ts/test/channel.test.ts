import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Contract, OpenedContract, toNano } from '@ton/core';
import { ExitCode, modelId, Op, Signer, storeClosePromise, storeVoucher } from '../src';
import { openAndSettle } from '../examples/channel';
import { Market } from './market';
import { keyOf, model, received, requireDone, requireRefused } from './world';

// One market: each test goes on where the one before it stopped.
let market: Market;

before(async () => {
    market = await Market.open();
});

test('channel: topped up, settled twice, rotated, closed at once', async () => {
    const { client, rewards } = market;
    const channel = await market.openChannel(1n);
    const fees = await channel.getFees();
    const via = client.getSender();
    requireDone(await channel.sendOpenChannel(via, fees.openChannel, { model: modelId(model), tokens: 1_000_000n }));
    assert.ok((await channel.getFree()) > toNano('4.9')); // the rest is its rent
    const old = new Signer(keyOf('client'), channel.address);
    await market.settle(channel, old, toNano(1));
    await market.settle(channel, old, toNano(3));
    const forged = new Signer(keyOf('dispatcher'), channel.address).sign(storeVoucher, { cumulative: toNano(4) });
    const refused = await channel.sendSettle(via, fees.settle, { ...forged, cumulative: toNano(4) });
    requireRefused(refused, ExitCode.wrongSignature);

    const signer = new Signer(keyOf('client, later'), channel.address);
    const [key, possession] = [signer.key.publicKey, signer.possession()];
    requireDone(await channel.sendRotate(via, fees.rotate, { key, possession }));
    await market.settle(channel, signer, toNano('3.5'));
    const promise = new Signer(keyOf('dispatcher'), channel.address).sign(storeClosePromise, { final: toNano(4) });
    const { signature } = promise;
    const closed = await channel.sendCloseNow(via, fees.closeNow, { signature, final: toNano(4) });
    requireDone(closed);
    const settled = received(closed, rewards.address, Op.settlement);
    assert.ok(settled >= toNano('0.5') && settled < toNano('0.51')); // with the gas to take it
    assert.ok(received(closed, client.address, Op.payout) > toNano('0.9'));
    const shown = await channel.getChannel();
    assert.ok(shown.closed && shown.key.equals(key) && shown.previous.equals(old.key.publicKey));
    assert.equal(shown.settled, toNano(4));
    assert.equal(await channel.getFree(), 0n);
});

test('channel: the client leaves alone', async () => {
    const { client, owner } = market;
    const channel = await market.openChannel(2n);
    const fees = await channel.getFees();
    requireRefused(await channel.sendFinish(client.getSender(), fees.finish), ExitCode.wrongPhase);
    requireDone(await channel.sendRequestClose(client.getSender(), fees.requestClose));
    assert.equal((await channel.getState()).closesAt, market.now + 20);
    market.advance(20);
    const finished = await channel.sendFinish(owner.getSender(), fees.finish);
    requireDone(finished);
    assert.ok(received(finished, client.address, Op.payout) > toNano('4.9'));
    assert.ok((await channel.getState()).closed);
});

test('channel: the example of the README', async () => {
    const { client } = market;
    const open = <T extends Contract>(contract: T) =>
        market.chain.openContract(contract) as unknown as OpenedContract<T>;
    const birth = market.channelBirth(3n);
    const channel = await openAndSettle(open, client.getSender(), birth, keyOf('client'));
    assert.ok(channel.settled === toNano(1) && !channel.closed);
});
