import { Address, ContractProvider } from '@ton/core';
import { decode, NONE } from './codec';
import { ask, askAmounts, dataOf, fromBirth, readBytes } from './contract';
import { ChannelMessages } from './messages_gen';
import { ChannelTerms, loadChannelData, loadChannelTerms, storeChannelData } from './schema_gen';

/** All that a channel's address follows from; `rewards` is the dispatcher's contract. */
export interface ChannelBirth extends ChannelTerms {
    rewards: Buffer;
}

/**
 * Keeps a client's prepaid escrow for one dispatcher: only what the client
 * signed is ever taken from it. A contract elsewhere than where the birth puts
 * it is not this channel, whatever its state says. A transfer without a body
 * tops it up. docs/contracts/channel.md says what each message refuses.
 */
export class Channel extends ChannelMessages {
    static createFromAddress(address: Address) {
        return new Channel(address);
    }

    static createFromBirth({ rewards, ...terms }: ChannelBirth) {
        const birth = {
            closed: false,
            settled: 0n,
            rewards,
            key: terms.clientKey,
            previous: NONE,
            previousUntil: 0,
            closesAt: 0,
            terms,
        };
        return fromBirth(Channel, 'channel', storeChannelData(birth));
    }

    /** All of the storage. */
    async getState(provider: ContractProvider) {
        return decode(await dataOf(provider), loadChannelData);
    }

    /** `settled` is nanoTON; `closesAt` is 0 until a close is requested. */
    async getChannel(provider: ContractProvider) {
        return ask(provider, 'get_channel', [], (stack) => ({
            closed: stack.readNumber() !== 0,
            settled: stack.readBigNumber(),
            rewards: readBytes(stack),
            key: readBytes(stack),
            previous: readBytes(stack),
            previousUntil: stack.readNumber(),
            closesAt: stack.readNumber(),
            terms: decode(stack.readCell(), loadChannelTerms),
        }));
    }

    /** nanoTON that vouchers may still take. */
    async getFree(provider: ContractProvider): Promise<bigint> {
        return ask(provider, 'get_free', [], (stack) => stack.readBigNumber());
    }

    /** Least value of each message, in nanoTON; that of openChannel for a channel that holds nothing. */
    async getFees(provider: ContractProvider) {
        return askAmounts(provider, 'get_fees', [], [
            'finish',
            'openChannel',
            'settle',
            'rotate',
            'requestClose',
            'closeNow',
        ]);
    }
}
