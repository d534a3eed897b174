import { Address } from '@ton/core';
import { KeyPair, sign, signVerify } from '@ton/crypto';
import { account, encode, Writer } from './codec';
import { Signature, storePossession } from './schema_gen';

/** Networks, by the id that everything signed names. */
export const GlobalId = { mainnet: -239, testnet: -3 } as const;

/** What every signed layout of the schema begins with. */
interface Bound {
    globalId: number;
    contract: Buffer;
}

/**
 * A key that signs for one contract on one network: what it signs counts
 * nowhere else.
 */
export class Signer {
    constructor(
        readonly key: KeyPair,
        readonly contract: Address,
        readonly globalId: number = GlobalId.mainnet,
    ) {}

    /**
     * Signs a layout of the schema's signed part, as in
     * `sign(storeVoucher, { cumulative })`: the hash of its cell.
     */
    sign<T extends Bound>(store: (src: T) => Writer, fields: Omit<T, keyof Bound>) {
        const signed = { ...fields, globalId: this.globalId, contract: account(this.contract) } as T;
        return { signed, signature: sign(encode(store(signed)).hash(), this.key.secretKey) };
    }

    /** Proves that somebody holds the key, for messages that bring it. */
    possession(): Signature {
        const { signature } = this.sign(storePossession, { key: this.key.publicKey });
        return { signature };
    }
}

/** Whether `key` signed a layout, as in `verify(storeVoucher, voucher, signature, key)`. */
export function verify<T>(store: (src: T) => Writer, signed: T, signature: Buffer, key: Buffer): boolean {
    return signVerify(encode(store(signed)).hash(), signature, key);
}
