import { Address, beginCell, ContractProvider } from '@ton/core';
import { decode } from './codec';
import { ask, askAmounts, codeOf, dataOf, fromBirth, intOf, readBytes } from './contract';
import { ProviderMessages } from './messages_gen';
import {
    BirthCode,
    loadModelOffer,
    loadProviderData,
    loadTranche,
    loadWorkerRecord,
    ModelOffer,
    ProviderBirth,
    ProviderState,
    storeModelOffer,
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
    /** For an equivocation, which happens once and retires it. */
    slashed: boolean;
}

const offersInCell = 2;

/** The fields of a worker's record that hold these offers, at most eight. */
export function modelCells(offers: ModelOffer[]) {
    if (offers.length > 4 * offersInCell) {
        throw new Error(`a worker serves at most ${4 * offersInCell} models, not ${offers.length}`);
    }
    const [models0, models1, models2, models3] = [0, 1, 2, 3].map((place) => {
        const some = offers.slice(offersInCell * place, offersInCell * (place + 1));
        const builder = some.reduce((b, offer) => b.store(storeModelOffer(offer)), beginCell());
        return some.length ? builder.endCell() : null;
    });
    return { models0, models1, models2, models3 };
}

/** The offers of a worker's record. */
export function offersOf(record: WorkerRecord): ModelOffer[] {
    const offers: ModelOffer[] = [];
    for (const cell of [record.models0, record.models1, record.models2, record.models3]) {
        const slice = cell?.beginParse() ?? beginCell().asSlice();
        while (slice.remainingBits > 0) {
            offers.push(loadModelOffer(slice));
        }
        slice.endParse();
    }
    return offers;
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
            const [record, slashed] = [stack.readCellOpt(), stack.readBoolean()];
            return known && record ? { retiredAt, gpus, record: decode(record, loadWorkerRecord), slashed } : null;
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
            'reportEquivocation',
        ]);
    }
}
