import { beginCell, Cell, loadTransaction, storeShardAccount, Transaction } from '@ton/core';
import { Executor } from '@ton/sandbox';
import { Exceptions, Expected, readConfig, Scenario, Step } from './scenario';

/** The first step that goes otherwise than the scenario says, null where all go so. */
export async function replay(executor: Executor, scenario: Scenario): Promise<string | null> {
    const config = configOf(scenario);
    const accounts = new Map(Object.entries(scenario.accounts));
    for (const [i, step] of scenario.steps.entries()) {
        const got = await run(executor, config, accounts, step);
        if (got !== describe(step.expect)) {
            return `step ${i}, ${step.op}: got ${got}, expected ${describe(step.expect)}`;
        }
    }
    return null;
}

function configOf({ config }: Scenario): string {
    const boc = readConfig(config.file);
    if (Cell.fromBase64(boc).hash().toString('hex') !== config.hash) {
        throw new Error(`${config.file} is not the config ${config.hash}`);
    }
    return boc;
}

/** Runs a step, keeps what it leaves of the account and describes what it did. */
async function run(executor: Executor, config: string, accounts: Map<string, string>, step: Step): Promise<string> {
    const { result } = await executor.runTransaction({
        config,
        libs: null,
        verbosity: 'short',
        shardAccount: accounts.get(step.account) ?? none,
        now: step.now,
        lt: BigInt(step.lt),
        randomSeed: Buffer.alloc(32),
        ignoreChksig: false,
        debugEnabled: false,
        message: Cell.fromBase64(step.message),
    });
    if (!result.success) {
        if (!result.vmResults) {
            throw new Error(`${step.op}: ${result.error}`);
        }
        return describe({ exit: result.vmResults.vmExitCode, action: 0, gas: 0 });
    }
    accounts.set(step.account, result.shardAccount);
    const cell = Cell.fromBase64(result.transaction);
    return describe(expectedOf(cell, loadTransaction(cell.beginParse())));
}

const none = beginCell()
    .store(storeShardAccount({ account: null, lastTransactionHash: 0n, lastTransactionLt: 0n }))
    .endCell()
    .toBoc()
    .toString('base64');

function expectedOf(cell: Cell, tx: Transaction): Expected {
    const d = tx.description;
    if (d.type !== 'generic') {
        throw new Error(`the transaction is ${d.type}`);
    }
    const compute = d.computePhase.type === 'vm' ? d.computePhase : null;
    return {
        hash: cell.hash().toString('hex'),
        exit: compute?.exitCode ?? 0,
        action: d.actionPhase?.resultCode ?? 0,
        gas: Number(compute?.gasUsed ?? 0n),
    };
}

/** All that is compared, in words. A transaction's hash covers what it sent. */
function describe(e: Expected): string {
    if (!e.hash) {
        return `not accepted, exit ${e.exit}`;
    }
    return `transaction ${e.hash}, exit ${e.exit}, action ${e.action}, gas ${e.gas}`;
}

/** What is wrong with a scenario, given the step that differs, if one does, and the list of those that may. */
export function verdict(name: string, difference: string | null, exceptions: Exceptions): string | null {
    const reason = exceptions[name];
    if (difference !== null) {
        return reason ? null : `${name} differs and is not listed: ${difference}`;
    }
    return name in exceptions ? `${name} is listed and does not differ: take it off` : null;
}
