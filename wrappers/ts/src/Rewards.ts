import { Address, ContractProvider } from '@ton/core';
import { decode, loadText } from './codec';
import { ask, askAmounts, dataOf, fromBirth, int, readBytes } from './contract';
import { RewardsMessages } from './messages_gen';
import { loadRewardsData, RewardsBirth, storeRewardsBirth } from './schema_gen';

/**
 * Keeps a dispatcher's bond and what providers earned through it, which leaves
 * only as epochs. An owner may have several, by index. A transfer without a
 * body is pot. docs/contracts/rewards.md says what each message refuses.
 */
export class Rewards extends RewardsMessages {
    static createFromAddress(address: Address) {
        return new Rewards(address);
    }

    static createFromBirth(birth: RewardsBirth) {
        return fromBirth(Rewards, 'rewards', storeRewardsBirth(birth));
    }

    /** All of the storage; RewardsBirth before the first message. */
    async getState(provider: ContractProvider) {
        return decode(await dataOf(provider), loadRewardsData);
    }

    /**
     * Amounts are nanoTON. `pending` is the account of the epoch that has not
     * passed, else 0; the bond stays until `number` is above `owed`. Owner or
     * operator was seen at `seenAt`, in unix seconds.
     */
    async getRewards(provider: ContractProvider) {
        return ask(provider, 'get_rewards', [], (stack) => ({
            bond: stack.readBigNumber(),
            unbonding: stack.readBigNumber(),
            cap: stack.readBigNumber(),
            number: stack.readNumber(),
            attempt: stack.readNumber(),
            operator: readBytes(stack),
            pending: readBytes(stack),
            owed: stack.readNumber(),
            seenAt: stack.readNumber(),
            owner: readBytes(stack),
            nextOwner: readBytes(stack),
            heir: readBytes(stack),
        }));
    }

    /** The key that the receipts of a number verify under, NONE where there is none. */
    async getReceiptKey(provider: ContractProvider, number: number): Promise<Buffer> {
        return ask(provider, 'get_receipt_key', [int(number)], readBytes);
    }

    /** Where the dispatcher is reached, null where it does not say. */
    async getEndpoint(provider: ContractProvider) {
        return ask(provider, 'get_endpoint', [], (stack) => {
            const known = stack.readBoolean();
            const tlsKeyHash = readBytes(stack);
            const url = stack.readCellOpt();
            return known && url ? { tlsKeyHash, url: decode(url, loadText) } : null;
        });
    }

    /** nanoTON that an epoch and its network share may take; on a retry the cap binds as well. */
    async getPot(provider: ContractProvider): Promise<bigint> {
        return ask(provider, 'get_pot', [], (stack) => stack.readBigNumber());
    }

    /**
     * Least value of each message, in nanoTON; that of openEpoch for `count`
     * leaves. The amounts of bond and fund come on top.
     */
    async getFees(provider: ContractProvider, count: number) {
        return askAmounts(provider, 'get_fees', [int(count)], [
            'refreshTerms',
            'withdraw',
            'bond',
            'fund',
            'requestUnbond',
            'appoint',
            'setHeir',
            'transferOwnership',
            'acceptOwnership',
            'succeed',
            'rotateKey',
            'setEndpoint',
            'owe',
            'openEpoch',
        ]);
    }
}
