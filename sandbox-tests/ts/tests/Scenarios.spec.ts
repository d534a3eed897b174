import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Executor } from '@ton/sandbox';
import { replay, verdict } from '../src/replay';
import { readExceptions, readScenarios } from '../src/scenario';

const scenarios = readScenarios();
const exceptions = readExceptions();
let executor: Executor;

before(async () => {
    executor = await Executor.create();
});

describe('transactions are what the Go TVM made of them, but for the exceptions', () => {
    for (const scenario of scenarios) {
        test(scenario.name, async () => {
            assert.equal(verdict(scenario.name, await replay(executor, scenario), exceptions), null);
        });
    }
});

test('there are scenarios, and every exception is of one', () => {
    assert.ok(scenarios.length >= 60);
    const names = scenarios.map(({ name }) => name);
    assert.deepEqual(Object.keys(exceptions).filter((name) => !names.includes(name)), []);
});

test('a replay finds a hash that is wrong', async () => {
    const scenario = structuredClone(scenarios.find(({ name }) => !(name in exceptions))!);
    scenario.steps.at(-1)!.expect.hash = '00'.repeat(32);
    assert.match((await replay(executor, scenario)) ?? '', /expected transaction 0000/);
});

test('what differs must be listed with a reason, and what is listed must differ', () => {
    assert.equal(verdict('a', null, {}), null);
    assert.equal(verdict('a', 'differs', { a: 'why' }), null);
    assert.match(verdict('a', 'differs', {}) ?? '', /not listed/);
    assert.match(verdict('a', 'differs', { a: '' }) ?? '', /not listed/);
    assert.match(verdict('a', null, { a: 'why' }) ?? '', /take it off/);
});
