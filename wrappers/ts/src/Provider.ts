import { Address, beginCell, ContractProvider } from '@ton/core';
import { decode } from './codec';
import { ask, askAmounts, codeOf, dataOf, fromBirth, intOf, readBytes } from './contract';
import { ProviderMessages } from './messages_gen';
import {
    BirthCode,
    loadProviderData,
    loadTranche,
    loadWorkerRecord,
    ProviderBirth,
    ProviderState,
    storeProviderBirth,
    Tranche,
    WorkerRecord,
} from './schema_gen';

/** A machine that is registered under a provider. */
export interface Worker {
    /** Unix seconds; 0 while it is active. */
    retiredAt: number;
    gpus: number;
    /** What the operator says about it. */
    record: WorkerRecord;
}

/** Parts of the stake that are leaving, newest first; `at` is a unix second. */
export function tranchesOf(state: ProviderState): Tranche[] {
    const slice = state.tranches?.beginParse() ?? beginCell().asSlice();
    const tranches = Array.from({ length: state.leaving }, () => loadTranche(slice));
    slice.endParse();
    return tranches;
}

/**
 * Keeps one provider's stake locked and bonds what is free. An owner may have
 * several, by index. A transfer without a body is free balance.
 * docs/contracts/provider.md says what each message refuses.
 */
export class Provider extends ProviderMessages {
    static createFromAddress(address: Address) {
        return new Provider(address);
    }

    static createFromBirth(birth: ProviderBirth) {
        return fromBirth(Provider, 'provider', storeProviderBirth(birth));
    }

    /** How job terms name the code that this package deploys. */
    static birthCode(): BirthCode {
        const code = codeOf('provider');
        return { hash: code.hash(), depth: code.depth() };
    }

    /** All of the storage; ProviderBirth before the first message. */
    async getState(provider: ContractProvider) {
        return decode(await dataOf(provider), loadProviderData);
    }

    /** Amounts are nanoTON. `gpus` are those of active workers, `count` is of all. */
    async getProvider(provider: ContractProvider) {
        return ask(provider, 'get_provider', [], (stack) => ({
            registry: readBytes(stack),
            owner: readBytes(stack),
            index: stack.readNumber(),
            stake: stack.readBigNumber(),
            unbonding: stack.readBigNumber(),
            allowance: stack.readBigNumber(),
            awaiting: readBytes(stack),
            hash: readBytes(stack),
            operator: readBytes(stack),
            revision: stack.readBigNumber(),
            gpus: stack.readNumber(),
            count: stack.readNumber(),
        }));
    }

    /**
     * nanoTON that withdraw would pay without a ripe tranche and that may be
     * bonded, and the stake that the active workers need: null before any terms
     * were taken.
     */
    async getMoney(provider: ContractProvider): Promise<{ free: bigint; required: bigint | null }> {
        return ask(provider, 'get_money', [], (stack) => {
            const free = stack.readBigNumber();
            const required = stack.readBigNumber();
            return { free, required: required < 0n ? null : required };
        });
    }

    /**
     * Null where the worker is unknown.
     *
     * @throws where its record, which is the operator's word, cannot be read
     */
    async getWorker(provider: ContractProvider, key: Buffer): Promise<Worker | null> {
        return ask(provider, 'get_worker', [intOf(key)], (stack) => {
            const known = stack.readBoolean();
            const [retiredAt, gpus] = [stack.readNumber(), stack.readNumber()];
            const record = stack.readCellOpt();
            return known && record ? { retiredAt, gpus, record: decode(record, loadWorkerRecord) } : null;
        });
    }

    /**
     * Least value of each message, in nanoTON: on top of the amount that stake
     * names, and with the rent where it would be the birth.
     */
    async getFees(provider: ContractProvider) {
        return askAmounts(provider, 'get_fees', [], [
            'refreshTerms',
            'withdraw',
            'stake',
            'requestUnstake',
            'setOperator',
            'putWorker',
            'retireWorker',
            'prune',
            'acceptJob',
        ]);
    }
}
