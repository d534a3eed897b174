import { Address, ContractProvider } from '@ton/core';
import { decode } from './codec';
import { ask, askAmounts, dataOf, fromBirth, int, readBytes } from './contract';
import { EpochMessages } from './messages_gen';
import { EpochBirth, loadEpochData, storeEpochBirth } from './schema_gen';

/** What an epoch waits for. */
export const EpochPhase = { publishing: 0, window: 1, paying: 2, finished: 3, failed: 4 } as const;

/**
 * Pays one epoch to the leaves of an EpochTree. Rewards deploys it, so nobody
 * sends it a first message. docs/contracts/epoch.md says what each message
 * refuses.
 */
export class Epoch extends EpochMessages {
    static createFromAddress(address: Address) {
        return new Epoch(address);
    }

    static createFromBirth(birth: EpochBirth) {
        return fromBirth(Epoch, 'epoch', storeEpochBirth(birth));
    }

    /** All of the storage; EpochBirth where open never came. */
    async getState(provider: ContractProvider) {
        return decode(await dataOf(provider), loadEpochData);
    }

    /** Leaves before `cursor` were pushed, those before `published` shown. Amounts are nanoTON. */
    async getEpoch(provider: ContractProvider) {
        return ask(provider, 'get_epoch', [], (stack) => ({
            phase: stack.readNumber(),
            until: stack.readNumber(),
            cursor: stack.readNumber(),
            published: stack.readNumber(),
            paid: stack.readBigNumber(),
            sum: stack.readBigNumber(),
            last: readBytes(stack),
            rewards: readBytes(stack),
            number: stack.readNumber(),
            attempt: stack.readNumber(),
            root: readBytes(stack),
            total: stack.readBigNumber(),
            count: stack.readNumber(),
            receiptKey: readBytes(stack),
        }));
    }

    /** Whether the leaf was paid, by push or by claim. */
    async isPaid(provider: ContractProvider, index: number): Promise<boolean> {
        return ask(provider, 'is_paid', [int(index)], (stack) => stack.readNumber() !== 0);
    }

    /** Least value of each message, in nanoTON; those of publish and push for `count` leaves. */
    async getFees(provider: ContractProvider, count: number) {
        return askAmounts(provider, 'get_fees', [int(count)], [
            'finish',
            'publish',
            'prove',
            'fail',
            'pass',
            'push',
            'claim',
        ]);
    }
}
