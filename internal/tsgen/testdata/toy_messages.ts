/** Generated from toy.tlb. */

import type { ContractProvider, Sender } from '@ton/core';
import { ContractBase, type Outgoing, send } from './contract';
import {
    type Close,
    type Pay,
    storeClose,
    storePay,
} from './schema_gen';

/** What a wallet or a program may send to a shop contract; value is nanoTON. */
export abstract class ShopMessages extends ContractBase {
    /** Anyone. Pays sum to whom. */
    async sendPay(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Pay>) {
        await send(provider, via, value, message, storePay);
    }

    /**
     * Owner, once; the shop closes *\/ for good.
     * Nothing comes back.
     */
    async sendClose(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Close> = {}) {
        await send(provider, via, value, message, storeClose);
    }
}
