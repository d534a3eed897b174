import { Address, Cell, ContractProvider } from '@ton/core';
import { decode, decodeMaybe } from './codec';
import { ask, askAmounts, dataOf, fromBirth, int, intOf, readBytes } from './contract';
import { RegistryMessages } from './messages_gen';
import {
    CodeData,
    JobTerms,
    loadCodeData,
    loadJobTerms,
    loadRegistryData,
    loadTermsData,
    RegistryBirth,
    storeRegistryBirth,
    TermsData,
} from './schema_gen';

/** What a change is about. */
export const ChangeKind = { terms: 0, jobTerms: 1, model: 2, image: 3, code: 4, guardian: 5, owner: 6 } as const;

/** A model or an image of a registry. */
export interface ListedEntry {
    /** Unix seconds; not to be used before. */
    suspendedUntil: number;
    /** ModelData or ImageData: the owner's word, which the contract does not look into. */
    data: Cell;
}

/**
 * Publishes what the network agrees on: terms, models, images, codes. There is
 * one for each network. A transfer without a body is a top-up of its rent.
 * docs/contracts/registry.md says what each message refuses.
 */
export class Registry extends RegistryMessages {
    static createFromAddress(address: Address) {
        return new Registry(address);
    }

    static createFromBirth(birth: RegistryBirth) {
        return fromBirth(Registry, 'registry', storeRegistryBirth(birth));
    }

    /** All of the storage. */
    async getState(provider: ContractProvider) {
        return decode(await dataOf(provider), loadRegistryData);
    }

    async getRegistry(provider: ContractProvider) {
        return ask(provider, 'get_registry', [], (stack) => ({
            owner: readBytes(stack),
            delay: stack.readNumber(),
            guardian: readBytes(stack),
            nextOwner: readBytes(stack),
            launched: stack.readBoolean(),
            nextChange: stack.readNumber(),
            announcedCount: stack.readNumber(),
            modelCount: stack.readNumber(),
            imageCount: stack.readNumber(),
            codeCount: stack.readNumber(),
        }));
    }

    /** Null before terms are published. */
    async getTerms(provider: ContractProvider): Promise<TermsData | null> {
        return decodeMaybe(await this.termsCell(provider), loadTermsData);
    }

    /** What owners consent to in refresh_terms; null before terms are published. */
    async getTermsHash(provider: ContractProvider): Promise<Buffer | null> {
        return (await this.termsCell(provider))?.hash() ?? null;
    }

    private async termsCell(provider: ContractProvider): Promise<Cell | null> {
        return ask(provider, 'get_terms', [], (stack) => stack.readCellOpt());
    }

    /** Null before job terms are published. */
    async getJobTerms(provider: ContractProvider): Promise<JobTerms | null> {
        const cell = await ask(provider, 'get_job_terms', [], (stack) => stack.readCellOpt());
        return decodeMaybe(cell, loadJobTerms);
    }

    /** A model by its id or an image by its measurement; null where it is not listed. */
    async getListed(
        provider: ContractProvider,
        kind: typeof ChangeKind.model | typeof ChangeKind.image,
        key: Buffer,
    ): Promise<ListedEntry | null> {
        return ask(provider, 'get_listed', [int(kind), intOf(key)], (stack) => {
            const known = stack.readBoolean();
            const suspendedUntil = stack.readNumber();
            const data = stack.readCellOpt();
            return known && data ? { suspendedUntil, data } : null;
        });
    }

    /** What is said about the code with that hash; null where it is not listed. */
    async getCode(provider: ContractProvider, hash: Buffer): Promise<CodeData | null> {
        const cell = await ask(provider, 'get_code', [intOf(hash)], (stack) => stack.readCellOpt());
        return decodeMaybe(cell, loadCodeData);
    }

    /** Least value of each message, in nanoTON; that of launch with the rent. */
    async getFees(provider: ContractProvider) {
        return askAmounts(provider, 'get_fees', [], [
            'announce',
            'apply',
            'retract',
            'launch',
            'takeOwnership',
            'suspend',
            'requestTerms',
        ]);
    }
}
