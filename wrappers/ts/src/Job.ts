import { Address, beginCell, Cell, ContractProvider } from '@ton/core';
import { decode, decodeMaybe, encode, NONE } from './codec';
import { ask, askAmounts, dataOf, fromBirth } from './contract';
import { JobMessages } from './messages_gen';
import {
    BirthCode,
    Deliver,
    JobOffer,
    loadBound,
    loadDelivery,
    loadJobData,
    loadJobOffer,
    storeBirthCode,
    storeDeliver,
    storeJobData,
} from './schema_gen';

/** What a job waits for. */
export const JobPhase = { inert: 0, open: 1, accepted: 2, delivered: 3, disputed: 4, closed: 5 } as const;

/** The `codes` of job terms: the versions of the provider contract that may accept, three at most. */
export function birthCodes(codes: BirthCode[]): Cell {
    const all = beginCell();
    codes.forEach((code) => all.store(storeBirthCode(code)));
    return all.endCell();
}

/**
 * Holds a client's escrow, then a provider's bond, and pays both out as the
 * offer says. The offer is all that the address follows from: a contract
 * elsewhere is not this job, whatever its state says. A transfer without a body
 * is the client's in the end. docs/contracts/job.md says what each message
 * refuses.
 */
export class Job extends JobMessages {
    static createFromAddress(address: Address) {
        return new Job(address);
    }

    static createFromBirth(offer: JobOffer) {
        const birth = { phase: JobPhase.inert, until: 0, offer, bound: null, result: null };
        return fromBirth(Job, 'job', storeJobData(birth));
    }

    /** Anyone with a delivery the worker signed. The job pays for it, and nobody gets change. */
    async sendDeliverExternal(provider: ContractProvider, message: Pick<Deliver, 'signature' | 'delivery'>) {
        await provider.external(encode(storeDeliver({ queryId: 0n, response: NONE, ...message })));
    }

    /** All of the storage. */
    async getState(provider: ContractProvider) {
        return decode(await dataOf(provider), loadJobData);
    }

    /** `until` is the unix second at which the phase ends. */
    async getJob(provider: ContractProvider) {
        return ask(provider, 'get_job', [], (stack) => ({
            phase: stack.readNumber(),
            until: stack.readNumber(),
            offer: decode(stack.readCell(), loadJobOffer),
            bound: decodeMaybe(stack.readCellOpt(), loadBound),
            result: decodeMaybe(stack.readCellOpt(), loadDelivery),
        }));
    }

    /** Least value of each message, in nanoTON: on top of the budget and of the bond. */
    async getFees(provider: ContractProvider) {
        return askAmounts(provider, 'get_fees', [], [
            'openJob',
            'accept',
            'cancel',
            'expire',
            'deliver',
            'approve',
            'dispute',
            'rule',
            'finish',
        ]);
    }
}
