/** Generated from contracts/ by make wrappers-ts. Not to be edited. */

import type { ContractProvider, Sender } from '@ton/core';
import { ContractBase, type Outgoing, send } from './contract';
import {
    type AcceptJob,
    type AcceptOwnership,
    type Announce,
    type Apply,
    type Appoint,
    type Approve,
    type Bond,
    type Cancel,
    type Claim,
    type CloseNow,
    type Deliver,
    type Dispute,
    type Expire,
    type Fail,
    type Finish,
    type Fund,
    type Launch,
    type OpenChannel,
    type OpenEpoch,
    type OpenJob,
    type Owe,
    type Pass,
    type Prove,
    type Prune,
    type Publish,
    type Push,
    type PutWorker,
    type RefreshTerms,
    type ReportEquivocation,
    type RequestClose,
    type RequestTerms,
    type RequestUnbond,
    type RequestUnstake,
    type RetireWorker,
    type Retract,
    type Rotate,
    type RotateKey,
    type Rule,
    type SetEndpoint,
    type SetHeir,
    type SetOperator,
    type Settle,
    type Stake,
    type Succeed,
    type Suspend,
    type TakeOwnership,
    type TransferOwnership,
    type Withdraw,
    storeAcceptJob,
    storeAcceptOwnership,
    storeAnnounce,
    storeApply,
    storeAppoint,
    storeApprove,
    storeBond,
    storeCancel,
    storeClaim,
    storeCloseNow,
    storeDeliver,
    storeDispute,
    storeExpire,
    storeFail,
    storeFinish,
    storeFund,
    storeLaunch,
    storeOpenChannel,
    storeOpenEpoch,
    storeOpenJob,
    storeOwe,
    storePass,
    storeProve,
    storePrune,
    storePublish,
    storePush,
    storePutWorker,
    storeRefreshTerms,
    storeReportEquivocation,
    storeRequestClose,
    storeRequestTerms,
    storeRequestUnbond,
    storeRequestUnstake,
    storeRetireWorker,
    storeRetract,
    storeRotate,
    storeRotateKey,
    storeRule,
    storeSetEndpoint,
    storeSetHeir,
    storeSetOperator,
    storeSettle,
    storeStake,
    storeSucceed,
    storeSuspend,
    storeTakeOwnership,
    storeTransferOwnership,
    storeWithdraw,
} from './schema_gen';

/** What a wallet or a program may send to a channel contract; value is nanoTON. */
export abstract class ChannelMessages extends ContractBase {
    /** Anyone, when the review, the arbitration or the close delay is over, or an epoch is pushed or expired; again: sweeps strays. */
    async sendFinish(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Finish> = {}) {
        await send(provider, via, value, message, storeFinish);
    }

    /** Client, where it wants to be seen: the model and how many tokens a day it expects to need. Its value stays. */
    async sendOpenChannel(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<OpenChannel>) {
        await send(provider, via, value, message, storeOpenChannel);
    }

    /** Anyone with the signature of the Voucher of that cumulative amount, by the key or by the previous one before its end. */
    async sendSettle(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Settle>) {
        await send(provider, via, value, message, storeSettle);
    }

    /** Client. possession signs Possession by key; the present key counts for one close delay more. */
    async sendRotate(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Rotate>) {
        await send(provider, via, value, message, storeRotate);
    }

    /** Client, once. */
    async sendRequestClose(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<RequestClose> = {}) {
        await send(provider, via, value, message, storeRequestClose);
    }

    /** Client, with the dispatcher's signature of the ClosePromise of that final amount. */
    async sendCloseNow(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<CloseNow>) {
        await send(provider, via, value, message, storeCloseNow);
    }
}

/** What a wallet or a program may send to an epoch contract; value is nanoTON. */
export abstract class EpochMessages extends ContractBase {
    /** Anyone, when the review, the arbitration or the close delay is over, or an epoch is pushed or expired; again: sweeps strays. */
    async sendFinish(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Finish> = {}) {
        await send(provider, via, value, message, storeFinish);
    }

    /** Anyone, in order. page is a Merkle proof of leaves [from, from + count). */
    async sendPublish(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Publish>) {
        await send(provider, via, value, message, storePublish);
    }

    /**
     * Anyone, in the window, with a receipt that the tree falls short of. proof shows the leaf at index and the one before it, as far as there
     * are such leaves: the first is the provider's own, and lower, or the provider's would lie between the two.
     */
    async sendProve(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Prove>) {
        await send(provider, via, value, message, storeProve);
    }

    /** Anyone, when it was not published in time; again after failed came back. */
    async sendFail(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Fail> = {}) {
        await send(provider, via, value, message, storeFail);
    }

    /** Anyone, when the window is over; repeatable. */
    async sendPass(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Pass> = {}) {
        await send(provider, via, value, message, storePass);
    }

    /** Anyone, in order. page is a Merkle proof of leaves [from, from + count). */
    async sendPush(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Push>) {
        await send(provider, via, value, message, storePush);
    }

    /** Anyone. Pays one leaf ahead of the cursor. */
    async sendClaim(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Claim>) {
        await send(provider, via, value, message, storeClaim);
    }
}

/** What a wallet or a program may send to a job contract; value is nanoTON. */
export abstract class JobMessages extends ContractBase {
    /** Client. Its value is the escrow: budget, delivery gas and rent. */
    async sendOpenJob(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<OpenJob> = {}) {
        await send(provider, via, value, message, storeOpenJob);
    }

    /** Client, until a provider has accepted. */
    async sendCancel(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Cancel> = {}) {
        await send(provider, via, value, message, storeCancel);
    }

    /** Anyone, when accept_by or the work time is over. */
    async sendExpire(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Expire> = {}) {
        await send(provider, via, value, message, storeExpire);
    }

    /** Anyone with a delivery the worker signed; also as an external message. */
    async sendDeliver(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Deliver>) {
        await send(provider, via, value, message, storeDeliver);
    }

    /** Client. */
    async sendApprove(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Approve> = {}) {
        await send(provider, via, value, message, storeApprove);
    }

    /** Client, until the review is over; with the deposit where the offer names an arbiter. */
    async sendDispute(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Dispute> = {}) {
        await send(provider, via, value, message, storeDispute);
    }

    /** Arbiter, until the arbitration is over: how much of the amount the provider gets, and how much of the bond the client. */
    async sendRule(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Rule>) {
        await send(provider, via, value, message, storeRule);
    }

    /** Anyone, when the review, the arbitration or the close delay is over, or an epoch is pushed or expired; again: sweeps strays. */
    async sendFinish(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Finish> = {}) {
        await send(provider, via, value, message, storeFinish);
    }
}

/** What a wallet or a program may send to a provider contract; value is nanoTON. */
export abstract class ProviderMessages extends ContractBase {
    /** Owner. Consents to the registry's terms with that hash and asks for them. */
    async sendRefreshTerms(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<RefreshTerms>) {
        await send(provider, via, value, message, storeRefreshTerms);
    }

    /** Owner. Ripe unbondings become free, then amount of what is free is paid to the owner; 0 is all of it. */
    async sendWithdraw(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Withdraw>) {
        await send(provider, via, value, message, storeWithdraw);
    }

    /** Anyone. Locks amount; the change goes to response. */
    async sendStake(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Stake>) {
        await send(provider, via, value, message, storeStake);
    }

    /** Owner. Starts the unbonding of amount. */
    async sendRequestUnstake(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<RequestUnstake>) {
        await send(provider, via, value, message, storeRequestUnstake);
    }

    /** Owner. possession signs Possession by key; allowance bounds what key may bond. */
    async sendSetOperator(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<SetOperator>) {
        await send(provider, via, value, message, storeSetOperator);
    }

    /** Anyone with an order the operator signed. */
    async sendPutWorker(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<PutWorker>) {
        await send(provider, via, value, message, storePutWorker);
    }

    /** Anyone with an order the operator signed. */
    async sendRetireWorker(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<RetireWorker>) {
        await send(provider, via, value, message, storeRetireWorker);
    }

    /** Anyone, one unbonding time after the worker retired. */
    async sendPrune(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Prune>) {
        await send(provider, via, value, message, storePrune);
    }

    /** Anyone with an order the operator signed. */
    async sendAcceptJob(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<AcceptJob>) {
        await send(provider, via, value, message, storeAcceptJob);
    }

    /** Anyone. The session key that the worker certified signed two receipts of one number. The fifth of what is taken goes to response. */
    async sendReportEquivocation(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<ReportEquivocation>) {
        await send(provider, via, value, message, storeReportEquivocation);
    }
}

/** What a wallet or a program may send to a registry contract; value is nanoTON. */
export abstract class RegistryMessages extends ContractBase {
    /**
     * Owner. Applies at once before launch, else waits for one delay.
     * kind: 0 terms, 1 job terms, 2 model, 3 image, 4 code, 5 guardian, 6 owner. key: the model's id, the image's measurement,
     * the code's hash, the account; else 0. value: Terms, JobTerms, ModelData, ImageData, CodeData, none; no value removes.
     */
    async sendAnnounce(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Announce>) {
        await send(provider, via, value, message, storeAnnounce);
    }

    /** Anyone, once the delay is over. */
    async sendApply(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Apply>) {
        await send(provider, via, value, message, storeApply);
    }

    /** Owner. */
    async sendRetract(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Retract>) {
        await send(provider, via, value, message, storeRetract);
    }

    /** Owner, once: from here on announced changes wait. */
    async sendLaunch(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Launch> = {}) {
        await send(provider, via, value, message, storeLaunch);
    }

    /** The announced new owner, after the change was applied. */
    async sendTakeOwnership(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<TakeOwnership> = {}) {
        await send(provider, via, value, message, storeTakeOwnership);
    }

    /** Guardian or owner. kind: 2 model, 3 image. Lapses after one delay. */
    async sendSuspend(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Suspend>) {
        await send(provider, via, value, message, storeSuspend);
    }

    /** Anyone. Answered by terms with the rest of the value. */
    async sendRequestTerms(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<RequestTerms> = {}) {
        await send(provider, via, value, message, storeRequestTerms);
    }
}

/** What a wallet or a program may send to a rewards contract; value is nanoTON. */
export abstract class RewardsMessages extends ContractBase {
    /** Owner. Consents to the registry's terms with that hash and asks for them. */
    async sendRefreshTerms(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<RefreshTerms>) {
        await send(provider, via, value, message, storeRefreshTerms);
    }

    /** Owner. Ripe unbondings become free, then amount of what is free is paid to the owner; 0 is all of it. */
    async sendWithdraw(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Withdraw>) {
        await send(provider, via, value, message, storeWithdraw);
    }

    /** Anyone. Adds amount to the dispatcher's bond. */
    async sendBond(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Bond>) {
        await send(provider, via, value, message, storeBond);
    }

    /** Anyone. Adds amount to the pot. */
    async sendFund(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Fund>) {
        await send(provider, via, value, message, storeFund);
    }

    /** Owner. Starts the unbonding of amount of the bond. */
    async sendRequestUnbond(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<RequestUnbond>) {
        await send(provider, via, value, message, storeRequestUnbond);
    }

    /** Owner. The account that may open epochs. */
    async sendAppoint(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Appoint>) {
        await send(provider, via, value, message, storeAppoint);
    }

    /** Owner. The account that may take over after a long silence; 0 is nobody. */
    async sendSetHeir(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<SetHeir>) {
        await send(provider, via, value, message, storeSetHeir);
    }

    /** Owner. The account that may become the owner by accept_ownership; 0 is nobody. */
    async sendTransferOwnership(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<TransferOwnership>) {
        await send(provider, via, value, message, storeTransferOwnership);
    }

    /** The account that transfer_ownership named. */
    async sendAcceptOwnership(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<AcceptOwnership> = {}) {
        await send(provider, via, value, message, storeAcceptOwnership);
    }

    /** Heir, once owner and operator have sent nothing for heir_after. */
    async sendSucceed(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Succeed> = {}) {
        await send(provider, via, value, message, storeSucceed);
    }

    /**
     * Owner. possession signs Possession by key, which signs receipts from number + 2 on; where there was no key at once, or from number + 1
     * on while an epoch is pending, which was opened without it.
     */
    async sendRotateKey(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<RotateKey>) {
        await send(provider, via, value, message, storeRotateKey);
    }

    /** Owner. Where the dispatcher is reached; none removes it. */
    async sendSetEndpoint(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<SetEndpoint>) {
        await send(provider, via, value, message, storeSetEndpoint);
    }

    /** Anyone with a receipt of this number or the next: the bond stays until that number has passed. */
    async sendOwe(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<Owe>) {
        await send(provider, via, value, message, storeOwe);
    }

    /** Operator. Opens the epoch of the current number with what the pot pays out. */
    async sendOpenEpoch(provider: ContractProvider, via: Sender, value: bigint, message: Outgoing<OpenEpoch>) {
        await send(provider, via, value, message, storeOpenEpoch);
    }
}
