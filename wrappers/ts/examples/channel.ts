import { Contract, OpenedContract, Sender, toNano } from '@ton/core';
import { KeyPair } from '@ton/crypto';
import { Channel, ChannelBirth, Signer, storeVoucher } from '@cocoon-network/wrappers';

type Open = <T extends Contract>(contract: T) => OpenedContract<T>;

/** Puts 5 TON into a new channel, then redeems a voucher for 1 TON of them. */
export async function openAndSettle(open: Open, wallet: Sender, birth: ChannelBirth, key: KeyPair) {
    const channel = open(Channel.createFromBirth(birth));
    await channel.sendTopUp(wallet, toNano(5)); // deploys it; wait until the network has it
    const voucher = { cumulative: toNano(1) };
    const { signature } = new Signer(key, channel.address).sign(storeVoucher, voucher);
    const { settle } = await channel.getFees();
    await channel.sendSettle(wallet, settle, { signature, ...voucher });
    return channel.getChannel();
}
