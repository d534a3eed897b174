import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { toNano } from '@ton/core';
import {
    account,
    ChangeKind,
    decode,
    encode,
    ExitCode,
    loadModelData,
    modelId,
    NONE,
    Provider,
    Registry,
    storeCodeData,
    storeModelData,
} from '../src';
import { Market } from './market';
import { plain } from './vectors';
import { delay, model, requireDone, requireRefused } from './world';

// One market: each test goes on where the one before it stopped.
let market: Market;

before(async () => {
    market = await Market.open();
});

test('registry: set up, launched, then changes wait', async () => {
    const { client } = market;
    const { registry } = market;
    const via = market.founder.getSender();
    const id = modelId(model);
    await market.announce(ChangeKind.model, id, encode(storeModelData({ minVramMib: 65_536, name: model })));
    const listed = await registry.getListed(ChangeKind.model, id);
    assert.equal(decode(listed!.data, loadModelData).name, model);
    assert.equal(await registry.getListed(ChangeKind.image, id), null);
    assert.deepEqual(plain(await registry.getTerms()), plain(market.terms()));
    assert.deepEqual(plain(await registry.getJobTerms()), plain(market.jobTerms()));

    const fees = await registry.getFees();
    requireRefused(await registry.sendLaunch(client.getSender(), fees.launch), ExitCode.wrongSender);
    requireRefused(await registry.sendLaunch(via, fees.launch - 1n), ExitCode.notEnoughValue);
    requireDone(await registry.sendLaunch(via, fees.launch));
    await market.announce(ChangeKind.guardian, account(client.address), null);
    await market.announce(ChangeKind.owner, account(client.address), null);
    requireRefused(await registry.sendApply(via, fees.apply, { change: 0 }), ExitCode.tooEarly);
    requireDone(await registry.sendRetract(via, fees.retract, { change: 1 }));
    market.advance(delay);
    requireDone(await registry.sendApply(client.getSender(), fees.apply, { change: 0 }));
    const suspend = { kind: ChangeKind.model, key: id };
    requireDone(await registry.sendSuspend(client.getSender(), fees.suspend, suspend));
    assert.equal((await registry.getListed(ChangeKind.model, id))!.suspendedUntil, market.now + delay);
    requireDone(await registry.sendRequestTerms(client.getSender(), fees.requestTerms));

    const state = await registry.getState();
    assert.ok(state.$$type === 'RegistryState' && state.launched && state.more.models.get(id));
    const shown = await registry.getRegistry();
    assert.ok(shown.guardian.equals(account(client.address)));
    assert.deepEqual([shown.nextChange, shown.announcedCount, shown.modelCount], [2, 0, 1]);
    assert.ok(shown.launched && shown.owner.equals(account(market.founder.address)));
    assert.equal(shown.delay, delay);
    assert.equal(await registry.getCode(NONE), null);
});

test('registry: a code is listed and its owner steps down, before a launch', async () => {
    const { client, owner } = market;
    const mine = market.chain.openContract(Registry.createFromBirth({ owner: account(client.address), delay }));
    const via = client.getSender();
    requireDone(await mine.sendTopUp(via, toNano('0.1')));
    assert.equal(await mine.getTerms(), null);
    assert.equal(await mine.getTermsHash(), null);
    assert.equal(await mine.getJobTerms(), null);
    const fees = await mine.getFees();
    const { hash, depth } = Provider.birthCode();
    const value = encode(storeCodeData({ depth, contract: 'provider' }));
    requireDone(await mine.sendAnnounce(via, fees.announce, { kind: ChangeKind.code, key: hash, value }));
    assert.deepEqual(await mine.getCode(hash), { depth, contract: 'provider' });
    const next = { kind: ChangeKind.owner, key: account(owner.address), value: null };
    requireDone(await mine.sendAnnounce(via, fees.announce, next));
    requireDone(await mine.sendTakeOwnership(owner.getSender(), fees.takeOwnership));
    assert.ok((await mine.getRegistry()).owner.equals(account(owner.address)));
});
