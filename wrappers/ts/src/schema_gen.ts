/** Generated from contracts/ by make wrappers-ts. Not to be edited. */

import { Builder, Cell, Dictionary, Slice } from '@ton/core';
import { type Text, decode, decodeMaybe, dictValue, encode, loadDict, loadTag, loadText, storeBytes, storeText } from './codec';

/** Operations, which bodies of messages begin with. */
export const Op = {
    excesses: 0xd53276db,
    payout: 0xe4151c96,
    announce: 0x0ec2e9eb,
    apply: 0x3926cb74,
    retract: 0x3cdf5b3e,
    launch: 0x4f9e1b6f,
    takeOwnership: 0x69074920,
    suspend: 0x6648126c,
    requestTerms: 0x6ba78168,
    refreshTerms: 0x04acd7b8,
    terms: 0xae411ba9,
    withdraw: 0x0e68368f,
    stake: 0x7f0fb44f,
    requestUnstake: 0x4e991dfc,
    setOperator: 0x0a1e5f41,
    putWorker: 0x708a3b21,
    retireWorker: 0x6320ca36,
    prune: 0x4bb443c0,
    acceptJob: 0x24960c88,
    reportEquivocation: 0x5649701a,
    income: 0x4ecb2892,
    openJob: 0x62938225,
    accept: 0x177e34b4,
    cancel: 0x1725e4ad,
    expire: 0x7c6ee061,
    deliver: 0x5e41133d,
    approve: 0x43272e52,
    dispute: 0x1efc704b,
    rule: 0x0eb63160,
    finish: 0x025320b5,
    bond: 0x63dc077b,
    fund: 0x47cf5a63,
    requestUnbond: 0x20672321,
    appoint: 0x557f9518,
    setHeir: 0x571261df,
    transferOwnership: 0x57b607a0,
    acceptOwnership: 0x75162bb5,
    succeed: 0x6a590e20,
    rotateKey: 0x0879eeb4,
    setEndpoint: 0x15ad4c81,
    owe: 0x1ec5f4fe,
    openEpoch: 0x1bf3564a,
    passed: 0xd9512c1f,
    failed: 0x9c26f371,
    remainder: 0xb74a66ae,
    settlement: 0xdf0596af,
    open: 0x69749d62,
    publish: 0x07ccaae2,
    prove: 0x14fa2bc5,
    fail: 0x25f9dc55,
    pass: 0x1aeb1758,
    push: 0x3e3b91a3,
    claim: 0x043be091,
    openChannel: 0x7f9376df,
    settle: 0x289903bf,
    rotate: 0x460f95d3,
    requestClose: 0x0ec925e1,
    closeNow: 0x4d521c1b,
} as const;

/** Tags of other layouts. */
export const Tag = {
    possession: 0x0e9337df,
    putWorkerOrder: 0x3754e5e3,
    retireWorkerOrder: 0x1a4b2026,
    acceptJobOrder: 0x163e9a22,
    passFor: 0x025ed288,
    delivery: 0x50922843,
    voucher: 0x686caeb8,
    closePromise: 0x50159285,
    earned: 0x1c10961d,
    certificate: 0x0a075312,
    usageReceipt: 0x2c794c3a,
} as const;

/** TEP-74's op: what is left of the value a sender attached. */
export interface Excesses {
    queryId: bigint;
}

export function storeExcesses(src: Excesses) {
    return (builder: Builder) => {
        builder.storeUint(0xd53276db, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadExcesses(slice: Slice): Excesses {
    loadTag(slice, 0xd53276db, 32, 'excesses');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/** Money that a rule pays out: a share, a refund, a withdrawal. */
export interface Payout {
    queryId: bigint;
}

export function storePayout(src: Payout) {
    return (builder: Builder) => {
        builder.storeUint(0xe4151c96, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadPayout(slice: Slice): Payout {
    loadTag(slice, 0xe4151c96, 32, 'payout');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/**
 * Owner. Applies at once before launch, else waits for one delay.
 * kind: 0 terms, 1 job terms, 2 model, 3 image, 4 code, 5 guardian, 6 owner. key: the model's id, the image's measurement,
 * the code's hash, the account; else 0. value: Terms, JobTerms, ModelData, ImageData, CodeData, none; no value removes.
 */
export interface Announce {
    queryId: bigint;
    kind: number;
    key: Buffer;
    value: Cell | null;
}

export function storeAnnounce(src: Announce) {
    return (builder: Builder) => {
        builder.storeUint(0x0ec2e9eb, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeUint(src.kind, 8);
        storeBytes(builder, src.key, 32);
        builder.storeMaybeRef(src.value);
    };
}

export function loadAnnounce(slice: Slice): Announce {
    loadTag(slice, 0x0ec2e9eb, 32, 'announce');
    return {
        queryId: slice.loadUintBig(64),
        kind: slice.loadUint(8),
        key: slice.loadBuffer(32),
        value: slice.loadMaybeRef(),
    };
}

/** Anyone, once the delay is over. */
export interface Apply {
    queryId: bigint;
    change: number;
}

export function storeApply(src: Apply) {
    return (builder: Builder) => {
        builder.storeUint(0x3926cb74, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeUint(src.change, 32);
    };
}

export function loadApply(slice: Slice): Apply {
    loadTag(slice, 0x3926cb74, 32, 'apply');
    return {
        queryId: slice.loadUintBig(64),
        change: slice.loadUint(32),
    };
}

/** Owner. */
export interface Retract {
    queryId: bigint;
    change: number;
}

export function storeRetract(src: Retract) {
    return (builder: Builder) => {
        builder.storeUint(0x3cdf5b3e, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeUint(src.change, 32);
    };
}

export function loadRetract(slice: Slice): Retract {
    loadTag(slice, 0x3cdf5b3e, 32, 'retract');
    return {
        queryId: slice.loadUintBig(64),
        change: slice.loadUint(32),
    };
}

/** Owner, once: from here on announced changes wait. */
export interface Launch {
    queryId: bigint;
}

export function storeLaunch(src: Launch) {
    return (builder: Builder) => {
        builder.storeUint(0x4f9e1b6f, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadLaunch(slice: Slice): Launch {
    loadTag(slice, 0x4f9e1b6f, 32, 'launch');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/** The announced new owner, after the change was applied. */
export interface TakeOwnership {
    queryId: bigint;
}

export function storeTakeOwnership(src: TakeOwnership) {
    return (builder: Builder) => {
        builder.storeUint(0x69074920, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadTakeOwnership(slice: Slice): TakeOwnership {
    loadTag(slice, 0x69074920, 32, 'take_ownership');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/** Guardian or owner. kind: 2 model, 3 image. Lapses after one delay. */
export interface Suspend {
    queryId: bigint;
    kind: number;
    key: Buffer;
}

export function storeSuspend(src: Suspend) {
    return (builder: Builder) => {
        builder.storeUint(0x6648126c, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeUint(src.kind, 8);
        storeBytes(builder, src.key, 32);
    };
}

export function loadSuspend(slice: Slice): Suspend {
    loadTag(slice, 0x6648126c, 32, 'suspend');
    return {
        queryId: slice.loadUintBig(64),
        kind: slice.loadUint(8),
        key: slice.loadBuffer(32),
    };
}

/** Anyone. Answered by terms with the rest of the value. */
export interface RequestTerms {
    queryId: bigint;
}

export function storeRequestTerms(src: RequestTerms) {
    return (builder: Builder) => {
        builder.storeUint(0x6ba78168, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadRequestTerms(slice: Slice): RequestTerms {
    loadTag(slice, 0x6ba78168, 32, 'request_terms');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/** Owner. Consents to the registry's terms with that hash and asks for them. */
export interface RefreshTerms {
    queryId: bigint;
    hash: Buffer;
}

export function storeRefreshTerms(src: RefreshTerms) {
    return (builder: Builder) => {
        builder.storeUint(0x04acd7b8, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.hash, 32);
    };
}

export function loadRefreshTerms(slice: Slice): RefreshTerms {
    loadTag(slice, 0x04acd7b8, 32, 'refresh_terms');
    return {
        queryId: slice.loadUintBig(64),
        hash: slice.loadBuffer(32),
    };
}

/** Registry, while that hash is awaited. */
export interface Terms {
    queryId: bigint;
    terms: TermsData;
}

export function storeTerms(src: Terms) {
    return (builder: Builder) => {
        builder.storeUint(0xae411ba9, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeRef(encode(storeTermsData(src.terms)));
    };
}

export function loadTerms(slice: Slice): Terms {
    loadTag(slice, 0xae411ba9, 32, 'terms');
    return {
        queryId: slice.loadUintBig(64),
        terms: decode(slice.loadRef(), loadTermsData),
    };
}

/** Owner. Ripe unbondings become free, then amount of what is free is paid to the owner; 0 is all of it. */
export interface Withdraw {
    queryId: bigint;
    amount: bigint;
}

export function storeWithdraw(src: Withdraw) {
    return (builder: Builder) => {
        builder.storeUint(0x0e68368f, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeCoins(src.amount);
    };
}

export function loadWithdraw(slice: Slice): Withdraw {
    loadTag(slice, 0x0e68368f, 32, 'withdraw');
    return {
        queryId: slice.loadUintBig(64),
        amount: slice.loadCoins(),
    };
}

/** Anyone. Locks amount; the change goes to response. */
export interface Stake {
    queryId: bigint;
    amount: bigint;
    response: Buffer;
}

export function storeStake(src: Stake) {
    return (builder: Builder) => {
        builder.storeUint(0x7f0fb44f, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeCoins(src.amount);
        storeBytes(builder, src.response, 32);
    };
}

export function loadStake(slice: Slice): Stake {
    loadTag(slice, 0x7f0fb44f, 32, 'stake');
    return {
        queryId: slice.loadUintBig(64),
        amount: slice.loadCoins(),
        response: slice.loadBuffer(32),
    };
}

/** Owner. Starts the unbonding of amount. */
export interface RequestUnstake {
    queryId: bigint;
    amount: bigint;
}

export function storeRequestUnstake(src: RequestUnstake) {
    return (builder: Builder) => {
        builder.storeUint(0x4e991dfc, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeCoins(src.amount);
    };
}

export function loadRequestUnstake(slice: Slice): RequestUnstake {
    loadTag(slice, 0x4e991dfc, 32, 'request_unstake');
    return {
        queryId: slice.loadUintBig(64),
        amount: slice.loadCoins(),
    };
}

/** Owner. possession signs Possession by key; allowance bounds what key may bond. */
export interface SetOperator {
    queryId: bigint;
    key: Buffer;
    allowance: bigint;
    possession: Signature;
}

export function storeSetOperator(src: SetOperator) {
    return (builder: Builder) => {
        builder.storeUint(0x0a1e5f41, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.key, 32);
        builder.storeCoins(src.allowance);
        builder.storeRef(encode(storeSignature(src.possession)));
    };
}

export function loadSetOperator(slice: Slice): SetOperator {
    loadTag(slice, 0x0a1e5f41, 32, 'set_operator');
    return {
        queryId: slice.loadUintBig(64),
        key: slice.loadBuffer(32),
        allowance: slice.loadCoins(),
        possession: decode(slice.loadRef(), loadSignature),
    };
}

/** Anyone with an order the operator signed. */
export interface PutWorker {
    queryId: bigint;
    response: Buffer;
    signature: Buffer;
    order: PutWorkerOrder;
}

export function storePutWorker(src: PutWorker) {
    return (builder: Builder) => {
        builder.storeUint(0x708a3b21, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
        storeBytes(builder, src.signature, 64);
        builder.storeRef(encode(storePutWorkerOrder(src.order)));
    };
}

export function loadPutWorker(slice: Slice): PutWorker {
    loadTag(slice, 0x708a3b21, 32, 'put_worker');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
        signature: slice.loadBuffer(64),
        order: decode(slice.loadRef(), loadPutWorkerOrder),
    };
}

/** Anyone with an order the operator signed. */
export interface RetireWorker {
    queryId: bigint;
    response: Buffer;
    signature: Buffer;
    order: RetireWorkerOrder;
}

export function storeRetireWorker(src: RetireWorker) {
    return (builder: Builder) => {
        builder.storeUint(0x6320ca36, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
        storeBytes(builder, src.signature, 64);
        builder.storeRef(encode(storeRetireWorkerOrder(src.order)));
    };
}

export function loadRetireWorker(slice: Slice): RetireWorker {
    loadTag(slice, 0x6320ca36, 32, 'retire_worker');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
        signature: slice.loadBuffer(64),
        order: decode(slice.loadRef(), loadRetireWorkerOrder),
    };
}

/** Anyone, one unbonding time after the worker retired. */
export interface Prune {
    queryId: bigint;
    response: Buffer;
    worker: Buffer;
}

export function storePrune(src: Prune) {
    return (builder: Builder) => {
        builder.storeUint(0x4bb443c0, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
        storeBytes(builder, src.worker, 32);
    };
}

export function loadPrune(slice: Slice): Prune {
    loadTag(slice, 0x4bb443c0, 32, 'prune');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
        worker: slice.loadBuffer(32),
    };
}

/** Anyone with an order the operator signed. */
export interface AcceptJob {
    queryId: bigint;
    response: Buffer;
    signature: Buffer;
    order: AcceptJobOrder;
}

export function storeAcceptJob(src: AcceptJob) {
    return (builder: Builder) => {
        builder.storeUint(0x24960c88, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
        storeBytes(builder, src.signature, 64);
        builder.storeRef(encode(storeAcceptJobOrder(src.order)));
    };
}

export function loadAcceptJob(slice: Slice): AcceptJob {
    loadTag(slice, 0x24960c88, 32, 'accept_job');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
        signature: slice.loadBuffer(64),
        order: decode(slice.loadRef(), loadAcceptJobOrder),
    };
}

/** Anyone. The session key that the worker certified signed two receipts of one number. The fifth of what is taken goes to response. */
export interface ReportEquivocation {
    queryId: bigint;
    response: Buffer;
    worker: Buffer;
    certificate: SignedCertificate;
    first: SignedReceipt;
    second: SignedReceipt;
}

export function storeReportEquivocation(src: ReportEquivocation) {
    return (builder: Builder) => {
        builder.storeUint(0x5649701a, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
        storeBytes(builder, src.worker, 32);
        builder.storeRef(encode(storeSignedCertificate(src.certificate)));
        builder.storeRef(encode(storeSignedReceipt(src.first)));
        builder.storeRef(encode(storeSignedReceipt(src.second)));
    };
}

export function loadReportEquivocation(slice: Slice): ReportEquivocation {
    loadTag(slice, 0x5649701a, 32, 'report_equivocation');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
        worker: slice.loadBuffer(32),
        certificate: decode(slice.loadRef(), loadSignedCertificate),
        first: decode(slice.loadRef(), loadSignedReceipt),
        second: decode(slice.loadRef(), loadSignedReceipt),
    };
}

/** A job or an epoch; from anyone else it is a gift. Never refused. */
export interface Income {
    queryId: bigint;
    bond: bigint;
}

export function storeIncome(src: Income) {
    return (builder: Builder) => {
        builder.storeUint(0x4ecb2892, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeCoins(src.bond);
    };
}

export function loadIncome(slice: Slice): Income {
    loadTag(slice, 0x4ecb2892, 32, 'income');
    return {
        queryId: slice.loadUintBig(64),
        bond: slice.loadCoins(),
    };
}

/** Client. Its value is the escrow: budget, delivery gas and rent. */
export interface OpenJob {
    queryId: bigint;
}

export function storeOpenJob(src: OpenJob) {
    return (builder: Builder) => {
        builder.storeUint(0x62938225, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadOpenJob(slice: Slice): OpenJob {
    loadTag(slice, 0x62938225, 32, 'open_job');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/** The provider at (codes[code], owner, index), with the bond. */
export interface Accept {
    queryId: bigint;
    bond: bigint;
    code: number;
    owner: Buffer;
    index: number;
    worker: Buffer;
    response: Buffer;
    pass: Signature | null;
}

export function storeAccept(src: Accept) {
    return (builder: Builder) => {
        builder.storeUint(0x177e34b4, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeCoins(src.bond);
        builder.storeUint(src.code, 2);
        storeBytes(builder, src.owner, 32);
        builder.storeUint(src.index, 32);
        storeBytes(builder, src.worker, 32);
        storeBytes(builder, src.response, 32);
        builder.storeMaybeRef(src.pass && encode(storeSignature(src.pass)));
    };
}

export function loadAccept(slice: Slice): Accept {
    loadTag(slice, 0x177e34b4, 32, 'accept');
    return {
        queryId: slice.loadUintBig(64),
        bond: slice.loadCoins(),
        code: slice.loadUint(2),
        owner: slice.loadBuffer(32),
        index: slice.loadUint(32),
        worker: slice.loadBuffer(32),
        response: slice.loadBuffer(32),
        pass: decodeMaybe(slice.loadMaybeRef(), loadSignature),
    };
}

/** Client, until a provider has accepted. */
export interface Cancel {
    queryId: bigint;
}

export function storeCancel(src: Cancel) {
    return (builder: Builder) => {
        builder.storeUint(0x1725e4ad, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadCancel(slice: Slice): Cancel {
    loadTag(slice, 0x1725e4ad, 32, 'cancel');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/** Anyone, when accept_by or the work time is over. */
export interface Expire {
    queryId: bigint;
    response: Buffer;
}

export function storeExpire(src: Expire) {
    return (builder: Builder) => {
        builder.storeUint(0x7c6ee061, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
    };
}

export function loadExpire(slice: Slice): Expire {
    loadTag(slice, 0x7c6ee061, 32, 'expire');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
    };
}

/** Anyone with a delivery the worker signed; also as an external message. */
export interface Deliver {
    queryId: bigint;
    response: Buffer;
    signature: Buffer;
    delivery: Delivery;
}

export function storeDeliver(src: Deliver) {
    return (builder: Builder) => {
        builder.storeUint(0x5e41133d, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
        storeBytes(builder, src.signature, 64);
        builder.storeRef(encode(storeDelivery(src.delivery)));
    };
}

export function loadDeliver(slice: Slice): Deliver {
    loadTag(slice, 0x5e41133d, 32, 'deliver');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
        signature: slice.loadBuffer(64),
        delivery: decode(slice.loadRef(), loadDelivery),
    };
}

/** Client. */
export interface Approve {
    queryId: bigint;
}

export function storeApprove(src: Approve) {
    return (builder: Builder) => {
        builder.storeUint(0x43272e52, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadApprove(slice: Slice): Approve {
    loadTag(slice, 0x43272e52, 32, 'approve');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/** Client, until the review is over; with the deposit where the offer names an arbiter. */
export interface Dispute {
    queryId: bigint;
}

export function storeDispute(src: Dispute) {
    return (builder: Builder) => {
        builder.storeUint(0x1efc704b, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadDispute(slice: Slice): Dispute {
    loadTag(slice, 0x1efc704b, 32, 'dispute');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/** Arbiter, until the arbitration is over: how much of the amount the provider gets, and how much of the bond the client. */
export interface Rule {
    queryId: bigint;
    payBps: number;
    bondBps: number;
}

export function storeRule(src: Rule) {
    return (builder: Builder) => {
        builder.storeUint(0x0eb63160, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeUint(src.payBps, 16);
        builder.storeUint(src.bondBps, 16);
    };
}

export function loadRule(slice: Slice): Rule {
    loadTag(slice, 0x0eb63160, 32, 'rule');
    return {
        queryId: slice.loadUintBig(64),
        payBps: slice.loadUint(16),
        bondBps: slice.loadUint(16),
    };
}

/** Anyone, when the review, the arbitration or the close delay is over, or an epoch is pushed or expired; again: sweeps strays. */
export interface Finish {
    queryId: bigint;
    response: Buffer;
}

export function storeFinish(src: Finish) {
    return (builder: Builder) => {
        builder.storeUint(0x025320b5, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
    };
}

export function loadFinish(slice: Slice): Finish {
    loadTag(slice, 0x025320b5, 32, 'finish');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
    };
}

/** Anyone. Adds amount to the dispatcher's bond. */
export interface Bond {
    queryId: bigint;
    amount: bigint;
    response: Buffer;
}

export function storeBond(src: Bond) {
    return (builder: Builder) => {
        builder.storeUint(0x63dc077b, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeCoins(src.amount);
        storeBytes(builder, src.response, 32);
    };
}

export function loadBond(slice: Slice): Bond {
    loadTag(slice, 0x63dc077b, 32, 'bond');
    return {
        queryId: slice.loadUintBig(64),
        amount: slice.loadCoins(),
        response: slice.loadBuffer(32),
    };
}

/** Anyone. Adds amount to the pot. */
export interface Fund {
    queryId: bigint;
    amount: bigint;
    response: Buffer;
}

export function storeFund(src: Fund) {
    return (builder: Builder) => {
        builder.storeUint(0x47cf5a63, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeCoins(src.amount);
        storeBytes(builder, src.response, 32);
    };
}

export function loadFund(slice: Slice): Fund {
    loadTag(slice, 0x47cf5a63, 32, 'fund');
    return {
        queryId: slice.loadUintBig(64),
        amount: slice.loadCoins(),
        response: slice.loadBuffer(32),
    };
}

/** Owner. Starts the unbonding of amount of the bond. */
export interface RequestUnbond {
    queryId: bigint;
    amount: bigint;
}

export function storeRequestUnbond(src: RequestUnbond) {
    return (builder: Builder) => {
        builder.storeUint(0x20672321, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeCoins(src.amount);
    };
}

export function loadRequestUnbond(slice: Slice): RequestUnbond {
    loadTag(slice, 0x20672321, 32, 'request_unbond');
    return {
        queryId: slice.loadUintBig(64),
        amount: slice.loadCoins(),
    };
}

/** Owner. The account that may open epochs. */
export interface Appoint {
    queryId: bigint;
    operator: Buffer;
}

export function storeAppoint(src: Appoint) {
    return (builder: Builder) => {
        builder.storeUint(0x557f9518, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.operator, 32);
    };
}

export function loadAppoint(slice: Slice): Appoint {
    loadTag(slice, 0x557f9518, 32, 'appoint');
    return {
        queryId: slice.loadUintBig(64),
        operator: slice.loadBuffer(32),
    };
}

/** Owner. The account that may take over after a long silence; 0 is nobody. */
export interface SetHeir {
    queryId: bigint;
    heir: Buffer;
}

export function storeSetHeir(src: SetHeir) {
    return (builder: Builder) => {
        builder.storeUint(0x571261df, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.heir, 32);
    };
}

export function loadSetHeir(slice: Slice): SetHeir {
    loadTag(slice, 0x571261df, 32, 'set_heir');
    return {
        queryId: slice.loadUintBig(64),
        heir: slice.loadBuffer(32),
    };
}

/** Owner. The account that may become the owner by accept_ownership; 0 is nobody. */
export interface TransferOwnership {
    queryId: bigint;
    owner: Buffer;
}

export function storeTransferOwnership(src: TransferOwnership) {
    return (builder: Builder) => {
        builder.storeUint(0x57b607a0, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.owner, 32);
    };
}

export function loadTransferOwnership(slice: Slice): TransferOwnership {
    loadTag(slice, 0x57b607a0, 32, 'transfer_ownership');
    return {
        queryId: slice.loadUintBig(64),
        owner: slice.loadBuffer(32),
    };
}

/** The account that transfer_ownership named. */
export interface AcceptOwnership {
    queryId: bigint;
}

export function storeAcceptOwnership(src: AcceptOwnership) {
    return (builder: Builder) => {
        builder.storeUint(0x75162bb5, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadAcceptOwnership(slice: Slice): AcceptOwnership {
    loadTag(slice, 0x75162bb5, 32, 'accept_ownership');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/** Heir, once owner and operator have sent nothing for heir_after. */
export interface Succeed {
    queryId: bigint;
}

export function storeSucceed(src: Succeed) {
    return (builder: Builder) => {
        builder.storeUint(0x6a590e20, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadSucceed(slice: Slice): Succeed {
    loadTag(slice, 0x6a590e20, 32, 'succeed');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/**
 * Owner. possession signs Possession by key, which signs receipts from number + 2 on; where there was no key at once, or from number + 1
 * on while an epoch is pending, which was opened without it.
 */
export interface RotateKey {
    queryId: bigint;
    key: Buffer;
    possession: Signature;
}

export function storeRotateKey(src: RotateKey) {
    return (builder: Builder) => {
        builder.storeUint(0x0879eeb4, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.key, 32);
        builder.storeRef(encode(storeSignature(src.possession)));
    };
}

export function loadRotateKey(slice: Slice): RotateKey {
    loadTag(slice, 0x0879eeb4, 32, 'rotate_key');
    return {
        queryId: slice.loadUintBig(64),
        key: slice.loadBuffer(32),
        possession: decode(slice.loadRef(), loadSignature),
    };
}

/** Owner. Where the dispatcher is reached; none removes it. */
export interface SetEndpoint {
    queryId: bigint;
    endpoint: Endpoint | null;
}

export function storeSetEndpoint(src: SetEndpoint) {
    return (builder: Builder) => {
        builder.storeUint(0x15ad4c81, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeMaybeRef(src.endpoint && encode(storeEndpoint(src.endpoint)));
    };
}

export function loadSetEndpoint(slice: Slice): SetEndpoint {
    loadTag(slice, 0x15ad4c81, 32, 'set_endpoint');
    return {
        queryId: slice.loadUintBig(64),
        endpoint: decodeMaybe(slice.loadMaybeRef(), loadEndpoint),
    };
}

/** Anyone with a receipt of this number or the next: the bond stays until that number has passed. */
export interface Owe {
    queryId: bigint;
    response: Buffer;
    signature: Buffer;
    receipt: Earned;
}

export function storeOwe(src: Owe) {
    return (builder: Builder) => {
        builder.storeUint(0x1ec5f4fe, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
        storeBytes(builder, src.signature, 64);
        builder.storeRef(encode(storeEarned(src.receipt)));
    };
}

export function loadOwe(slice: Slice): Owe {
    loadTag(slice, 0x1ec5f4fe, 32, 'owe');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
        signature: slice.loadBuffer(64),
        receipt: decode(slice.loadRef(), loadEarned),
    };
}

/** Operator. Opens the epoch of the current number with what the pot pays out. */
export interface OpenEpoch {
    queryId: bigint;
    root: Buffer;
    total: bigint;
    count: number;
}

export function storeOpenEpoch(src: OpenEpoch) {
    return (builder: Builder) => {
        builder.storeUint(0x1bf3564a, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.root, 32);
        builder.storeCoins(src.total);
        builder.storeUint(src.count, 18);
    };
}

export function loadOpenEpoch(slice: Slice): OpenEpoch {
    loadTag(slice, 0x1bf3564a, 32, 'open_epoch');
    return {
        queryId: slice.loadUintBig(64),
        root: slice.loadBuffer(32),
        total: slice.loadCoins(),
        count: slice.loadUint(18),
    };
}

/** The pending epoch: its window is over, the number advances. */
export interface Passed {
    queryId: bigint;
    number: number;
    attempt: number;
    response: Buffer;
}

export function storePassed(src: Passed) {
    return (builder: Builder) => {
        builder.storeUint(0xd9512c1f, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeUint(src.number, 32);
        builder.storeUint(src.attempt, 16);
        storeBytes(builder, src.response, 32);
    };
}

export function loadPassed(slice: Slice): Passed {
    loadTag(slice, 0xd9512c1f, 32, 'passed');
    return {
        queryId: slice.loadUintBig(64),
        number: slice.loadUint(32),
        attempt: slice.loadUint(16),
        response: slice.loadBuffer(32),
    };
}

/**
 * The pending epoch, with all its money. proven is the provider whose receipt refuted the tree, 0 where it was not published in time and
 * there is no penalty.
 */
export interface Failed {
    queryId: bigint;
    number: number;
    attempt: number;
    penalty: bigint;
    proven: Buffer;
}

export function storeFailed(src: Failed) {
    return (builder: Builder) => {
        builder.storeUint(0x9c26f371, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeUint(src.number, 32);
        builder.storeUint(src.attempt, 16);
        builder.storeCoins(src.penalty);
        storeBytes(builder, src.proven, 32);
    };
}

export function loadFailed(slice: Slice): Failed {
    loadTag(slice, 0x9c26f371, 32, 'failed');
    return {
        queryId: slice.loadUintBig(64),
        number: slice.loadUint(32),
        attempt: slice.loadUint(16),
        penalty: slice.loadCoins(),
        proven: slice.loadBuffer(32),
    };
}

/** An epoch, when it finishes: what it did not pay out. */
export interface Remainder {
    queryId: bigint;
    number: number;
    attempt: number;
}

export function storeRemainder(src: Remainder) {
    return (builder: Builder) => {
        builder.storeUint(0xb74a66ae, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeUint(src.number, 32);
        builder.storeUint(src.attempt, 16);
    };
}

export function loadRemainder(slice: Slice): Remainder {
    loadTag(slice, 0xb74a66ae, 32, 'remainder');
    return {
        queryId: slice.loadUintBig(64),
        number: slice.loadUint(32),
        attempt: slice.loadUint(16),
    };
}

/** A channel: what a voucher redeemed, or a close. A gift from anyone else. */
export interface Settlement {
    queryId: bigint;
    amount: bigint;
}

export function storeSettlement(src: Settlement) {
    return (builder: Builder) => {
        builder.storeUint(0xdf0596af, 32);
        builder.storeUint(src.queryId, 64);
        builder.storeCoins(src.amount);
    };
}

export function loadSettlement(slice: Slice): Settlement {
    loadTag(slice, 0xdf0596af, 32, 'settlement');
    return {
        queryId: slice.loadUintBig(64),
        amount: slice.loadCoins(),
    };
}

/** Rewards, with total, the network's share and rent. receipt_key is the one of this number, 0 where there is none. */
export interface Open {
    queryId: bigint;
    root: Buffer;
    total: bigint;
    count: number;
    response: Buffer;
    receiptKey: Buffer;
    terms: EpochTerms;
}

export function storeOpen(src: Open) {
    return (builder: Builder) => {
        builder.storeUint(0x69749d62, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.root, 32);
        builder.storeCoins(src.total);
        builder.storeUint(src.count, 18);
        storeBytes(builder, src.response, 32);
        storeBytes(builder, src.receiptKey, 32);
        builder.storeRef(encode(storeEpochTerms(src.terms)));
    };
}

export function loadOpen(slice: Slice): Open {
    loadTag(slice, 0x69749d62, 32, 'open');
    return {
        queryId: slice.loadUintBig(64),
        root: slice.loadBuffer(32),
        total: slice.loadCoins(),
        count: slice.loadUint(18),
        response: slice.loadBuffer(32),
        receiptKey: slice.loadBuffer(32),
        terms: decode(slice.loadRef(), loadEpochTerms),
    };
}

/** Anyone, in order. page is a Merkle proof of leaves [from, from + count). */
export interface Publish {
    queryId: bigint;
    response: Buffer;
    from: number;
    count: number;
    page: Cell;
}

export function storePublish(src: Publish) {
    return (builder: Builder) => {
        builder.storeUint(0x07ccaae2, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
        builder.storeUint(src.from, 18);
        builder.storeUint(src.count, 9);
        builder.storeRef(src.page);
    };
}

export function loadPublish(slice: Slice): Publish {
    loadTag(slice, 0x07ccaae2, 32, 'publish');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
        from: slice.loadUint(18),
        count: slice.loadUint(9),
        page: slice.loadRef(),
    };
}

/**
 * Anyone, in the window, with a receipt that the tree falls short of. proof shows the leaf at index and the one before it, as far as there
 * are such leaves: the first is the provider's own, and lower, or the provider's would lie between the two.
 */
export interface Prove {
    queryId: bigint;
    response: Buffer;
    signature: Buffer;
    index: number;
    receipt: Earned;
    proof: Cell;
}

export function storeProve(src: Prove) {
    return (builder: Builder) => {
        builder.storeUint(0x14fa2bc5, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
        storeBytes(builder, src.signature, 64);
        builder.storeUint(src.index, 18);
        builder.storeRef(encode(storeEarned(src.receipt)));
        builder.storeRef(src.proof);
    };
}

export function loadProve(slice: Slice): Prove {
    loadTag(slice, 0x14fa2bc5, 32, 'prove');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
        signature: slice.loadBuffer(64),
        index: slice.loadUint(18),
        receipt: decode(slice.loadRef(), loadEarned),
        proof: slice.loadRef(),
    };
}

/** Anyone, when it was not published in time; again after failed came back. */
export interface Fail {
    queryId: bigint;
    response: Buffer;
}

export function storeFail(src: Fail) {
    return (builder: Builder) => {
        builder.storeUint(0x25f9dc55, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
    };
}

export function loadFail(slice: Slice): Fail {
    loadTag(slice, 0x25f9dc55, 32, 'fail');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
    };
}

/** Anyone, when the window is over; repeatable. */
export interface Pass {
    queryId: bigint;
    response: Buffer;
}

export function storePass(src: Pass) {
    return (builder: Builder) => {
        builder.storeUint(0x1aeb1758, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
    };
}

export function loadPass(slice: Slice): Pass {
    loadTag(slice, 0x1aeb1758, 32, 'pass');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
    };
}

/** Anyone, in order. page is a Merkle proof of leaves [from, from + count). */
export interface Push {
    queryId: bigint;
    response: Buffer;
    from: number;
    count: number;
    page: Cell;
}

export function storePush(src: Push) {
    return (builder: Builder) => {
        builder.storeUint(0x3e3b91a3, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
        builder.storeUint(src.from, 18);
        builder.storeUint(src.count, 8);
        builder.storeRef(src.page);
    };
}

export function loadPush(slice: Slice): Push {
    loadTag(slice, 0x3e3b91a3, 32, 'push');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
        from: slice.loadUint(18),
        count: slice.loadUint(8),
        page: slice.loadRef(),
    };
}

/** Anyone. Pays one leaf ahead of the cursor. */
export interface Claim {
    queryId: bigint;
    response: Buffer;
    index: number;
    proof: Cell;
}

export function storeClaim(src: Claim) {
    return (builder: Builder) => {
        builder.storeUint(0x043be091, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
        builder.storeUint(src.index, 17);
        builder.storeRef(src.proof);
    };
}

export function loadClaim(slice: Slice): Claim {
    loadTag(slice, 0x043be091, 32, 'claim');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
        index: slice.loadUint(17),
        proof: slice.loadRef(),
    };
}

/** Client, where it wants to be seen: the model and how many tokens a day it expects to need. Its value stays. */
export interface OpenChannel {
    queryId: bigint;
    model: Buffer;
    tokens: bigint;
}

export function storeOpenChannel(src: OpenChannel) {
    return (builder: Builder) => {
        builder.storeUint(0x7f9376df, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.model, 32);
        builder.storeUint(src.tokens, 64);
    };
}

export function loadOpenChannel(slice: Slice): OpenChannel {
    loadTag(slice, 0x7f9376df, 32, 'open_channel');
    return {
        queryId: slice.loadUintBig(64),
        model: slice.loadBuffer(32),
        tokens: slice.loadUintBig(64),
    };
}

/** Anyone with the signature of the Voucher of that cumulative amount, by the key or by the previous one before its end. */
export interface Settle {
    queryId: bigint;
    response: Buffer;
    signature: Buffer;
    cumulative: bigint;
}

export function storeSettle(src: Settle) {
    return (builder: Builder) => {
        builder.storeUint(0x289903bf, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.response, 32);
        storeBytes(builder, src.signature, 64);
        builder.storeCoins(src.cumulative);
    };
}

export function loadSettle(slice: Slice): Settle {
    loadTag(slice, 0x289903bf, 32, 'settle');
    return {
        queryId: slice.loadUintBig(64),
        response: slice.loadBuffer(32),
        signature: slice.loadBuffer(64),
        cumulative: slice.loadCoins(),
    };
}

/** Client. possession signs Possession by key; the present key counts for one close delay more. */
export interface Rotate {
    queryId: bigint;
    key: Buffer;
    possession: Signature;
}

export function storeRotate(src: Rotate) {
    return (builder: Builder) => {
        builder.storeUint(0x460f95d3, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.key, 32);
        builder.storeRef(encode(storeSignature(src.possession)));
    };
}

export function loadRotate(slice: Slice): Rotate {
    loadTag(slice, 0x460f95d3, 32, 'rotate');
    return {
        queryId: slice.loadUintBig(64),
        key: slice.loadBuffer(32),
        possession: decode(slice.loadRef(), loadSignature),
    };
}

/** Client, once. */
export interface RequestClose {
    queryId: bigint;
}

export function storeRequestClose(src: RequestClose) {
    return (builder: Builder) => {
        builder.storeUint(0x0ec925e1, 32);
        builder.storeUint(src.queryId, 64);
    };
}

export function loadRequestClose(slice: Slice): RequestClose {
    loadTag(slice, 0x0ec925e1, 32, 'request_close');
    return {
        queryId: slice.loadUintBig(64),
    };
}

/** Client, with the dispatcher's signature of the ClosePromise of that final amount. */
export interface CloseNow {
    queryId: bigint;
    signature: Buffer;
    final: bigint;
}

export function storeCloseNow(src: CloseNow) {
    return (builder: Builder) => {
        builder.storeUint(0x4d521c1b, 32);
        builder.storeUint(src.queryId, 64);
        storeBytes(builder, src.signature, 64);
        builder.storeCoins(src.final);
    };
}

export function loadCloseNow(slice: Slice): CloseNow {
    loadTag(slice, 0x4d521c1b, 32, 'close_now');
    return {
        queryId: slice.loadUintBig(64),
        signature: slice.loadBuffer(64),
        final: slice.loadCoins(),
    };
}

export interface Signature {
    signature: Buffer;
}

export function storeSignature(src: Signature) {
    return (builder: Builder) => {
        storeBytes(builder, src.signature, 64);
    };
}

export function loadSignature(slice: Slice): Signature {
    return {
        signature: slice.loadBuffer(64),
    };
}

/** A key that enters by message proves that somebody holds it. */
export interface Possession {
    globalId: number;
    contract: Buffer;
    key: Buffer;
}

export function storePossession(src: Possession) {
    return (builder: Builder) => {
        builder.storeUint(0x0e9337df, 32);
        builder.storeInt(src.globalId, 32);
        storeBytes(builder, src.contract, 32);
        storeBytes(builder, src.key, 32);
    };
}

export function loadPossession(slice: Slice): Possession {
    loadTag(slice, 0x0e9337df, 32, 'possession');
    return {
        globalId: slice.loadInt(32),
        contract: slice.loadBuffer(32),
        key: slice.loadBuffer(32),
    };
}

/** Operator. revision grows by every order on workers. */
export interface PutWorkerOrder {
    globalId: number;
    contract: Buffer;
    revision: bigint;
    worker: Buffer;
    possession: Signature;
    record: WorkerRecord;
}

export function storePutWorkerOrder(src: PutWorkerOrder) {
    return (builder: Builder) => {
        builder.storeUint(0x3754e5e3, 32);
        builder.storeInt(src.globalId, 32);
        storeBytes(builder, src.contract, 32);
        builder.storeUint(src.revision, 64);
        storeBytes(builder, src.worker, 32);
        builder.storeRef(encode(storeSignature(src.possession)));
        builder.storeRef(encode(storeWorkerRecord(src.record)));
    };
}

export function loadPutWorkerOrder(slice: Slice): PutWorkerOrder {
    loadTag(slice, 0x3754e5e3, 32, 'put_worker_order');
    return {
        globalId: slice.loadInt(32),
        contract: slice.loadBuffer(32),
        revision: slice.loadUintBig(64),
        worker: slice.loadBuffer(32),
        possession: decode(slice.loadRef(), loadSignature),
        record: decode(slice.loadRef(), loadWorkerRecord),
    };
}

/** Operator. */
export interface RetireWorkerOrder {
    globalId: number;
    contract: Buffer;
    revision: bigint;
    worker: Buffer;
}

export function storeRetireWorkerOrder(src: RetireWorkerOrder) {
    return (builder: Builder) => {
        builder.storeUint(0x1a4b2026, 32);
        builder.storeInt(src.globalId, 32);
        storeBytes(builder, src.contract, 32);
        builder.storeUint(src.revision, 64);
        storeBytes(builder, src.worker, 32);
    };
}

export function loadRetireWorkerOrder(slice: Slice): RetireWorkerOrder {
    loadTag(slice, 0x1a4b2026, 32, 'retire_worker_order');
    return {
        globalId: slice.loadInt(32),
        contract: slice.loadBuffer(32),
        revision: slice.loadUintBig(64),
        worker: slice.loadBuffer(32),
    };
}

/** Operator. code is the place of the provider's own code in the job's terms. */
export interface AcceptJobOrder {
    globalId: number;
    contract: Buffer;
    job: Buffer;
    code: number;
    worker: Buffer;
    bond: bigint;
    validUntil: number;
    pass: Signature | null;
}

export function storeAcceptJobOrder(src: AcceptJobOrder) {
    return (builder: Builder) => {
        builder.storeUint(0x163e9a22, 32);
        builder.storeInt(src.globalId, 32);
        storeBytes(builder, src.contract, 32);
        storeBytes(builder, src.job, 32);
        builder.storeUint(src.code, 2);
        storeBytes(builder, src.worker, 32);
        builder.storeCoins(src.bond);
        builder.storeUint(src.validUntil, 32);
        builder.storeMaybeRef(src.pass && encode(storeSignature(src.pass)));
    };
}

export function loadAcceptJobOrder(slice: Slice): AcceptJobOrder {
    loadTag(slice, 0x163e9a22, 32, 'accept_job_order');
    return {
        globalId: slice.loadInt(32),
        contract: slice.loadBuffer(32),
        job: slice.loadBuffer(32),
        code: slice.loadUint(2),
        worker: slice.loadBuffer(32),
        bond: slice.loadCoins(),
        validUntil: slice.loadUint(32),
        pass: decodeMaybe(slice.loadMaybeRef(), loadSignature),
    };
}

/** Offer key: this provider may accept this job. */
export interface PassFor {
    globalId: number;
    contract: Buffer;
    provider: Buffer;
}

export function storePassFor(src: PassFor) {
    return (builder: Builder) => {
        builder.storeUint(0x025ed288, 32);
        builder.storeInt(src.globalId, 32);
        storeBytes(builder, src.contract, 32);
        storeBytes(builder, src.provider, 32);
    };
}

export function loadPassFor(slice: Slice): PassFor {
    loadTag(slice, 0x025ed288, 32, 'pass_for');
    return {
        globalId: slice.loadInt(32),
        contract: slice.loadBuffer(32),
        provider: slice.loadBuffer(32),
    };
}

/** Worker key. prompt, cached, completion and reasoning count tokens. */
export interface Delivery {
    globalId: number;
    contract: Buffer;
    resultHash: Buffer;
    amount: bigint;
    prompt: bigint;
    cached: bigint;
    completion: bigint;
    reasoning: bigint;
}

export function storeDelivery(src: Delivery) {
    return (builder: Builder) => {
        builder.storeUint(0x50922843, 32);
        builder.storeInt(src.globalId, 32);
        storeBytes(builder, src.contract, 32);
        storeBytes(builder, src.resultHash, 32);
        builder.storeCoins(src.amount);
        builder.storeUint(src.prompt, 64);
        builder.storeUint(src.cached, 64);
        builder.storeUint(src.completion, 64);
        builder.storeUint(src.reasoning, 64);
    };
}

export function loadDelivery(slice: Slice): Delivery {
    loadTag(slice, 0x50922843, 32, 'delivery');
    return {
        globalId: slice.loadInt(32),
        contract: slice.loadBuffer(32),
        resultHash: slice.loadBuffer(32),
        amount: slice.loadCoins(),
        prompt: slice.loadUintBig(64),
        cached: slice.loadUintBig(64),
        completion: slice.loadUintBig(64),
        reasoning: slice.loadUintBig(64),
    };
}

/** Channel key. cumulative is all that the channel has promised since its birth. */
export interface Voucher {
    globalId: number;
    contract: Buffer;
    cumulative: bigint;
}

export function storeVoucher(src: Voucher) {
    return (builder: Builder) => {
        builder.storeUint(0x686caeb8, 32);
        builder.storeInt(src.globalId, 32);
        storeBytes(builder, src.contract, 32);
        builder.storeCoins(src.cumulative);
    };
}

export function loadVoucher(slice: Slice): Voucher {
    loadTag(slice, 0x686caeb8, 32, 'voucher');
    return {
        globalId: slice.loadInt(32),
        contract: slice.loadBuffer(32),
        cumulative: slice.loadCoins(),
    };
}

/** Dispatcher key. final is all that the channel will have paid once it is closed. */
export interface ClosePromise {
    globalId: number;
    contract: Buffer;
    final: bigint;
}

export function storeClosePromise(src: ClosePromise) {
    return (builder: Builder) => {
        builder.storeUint(0x50159285, 32);
        builder.storeInt(src.globalId, 32);
        storeBytes(builder, src.contract, 32);
        builder.storeCoins(src.final);
    };
}

export function loadClosePromise(slice: Slice): ClosePromise {
    loadTag(slice, 0x50159285, 32, 'close_promise');
    return {
        globalId: slice.loadInt(32),
        contract: slice.loadBuffer(32),
        final: slice.loadCoins(),
    };
}

/** Receipt key. amount is all that the provider has earned in that number of epoch; contract is the rewards contract. */
export interface Earned {
    globalId: number;
    contract: Buffer;
    number: number;
    provider: Buffer;
    amount: bigint;
}

export function storeEarned(src: Earned) {
    return (builder: Builder) => {
        builder.storeUint(0x1c10961d, 32);
        builder.storeInt(src.globalId, 32);
        storeBytes(builder, src.contract, 32);
        builder.storeUint(src.number, 32);
        storeBytes(builder, src.provider, 32);
        builder.storeCoins(src.amount);
    };
}

export function loadEarned(slice: Slice): Earned {
    loadTag(slice, 0x1c10961d, 32, 'earned');
    return {
        globalId: slice.loadInt(32),
        contract: slice.loadBuffer(32),
        number: slice.loadUint(32),
        provider: slice.loadBuffer(32),
        amount: slice.loadCoins(),
    };
}

/** Worker key. The session key signs receipts for this run; contract is the provider. not_after binds who pays, not a report. */
export interface Certificate {
    globalId: number;
    contract: Buffer;
    sessionKey: Buffer;
    boot: Buffer;
    notAfter: number;
}

export function storeCertificate(src: Certificate) {
    return (builder: Builder) => {
        builder.storeUint(0x0a075312, 32);
        builder.storeInt(src.globalId, 32);
        storeBytes(builder, src.contract, 32);
        storeBytes(builder, src.sessionKey, 32);
        storeBytes(builder, src.boot, 16);
        builder.storeUint(src.notAfter, 32);
    };
}

export function loadCertificate(slice: Slice): Certificate {
    loadTag(slice, 0x0a075312, 32, 'certificate');
    return {
        globalId: slice.loadInt(32),
        contract: slice.loadBuffer(32),
        sessionKey: slice.loadBuffer(32),
        boot: slice.loadBuffer(16),
        notAfter: slice.loadUint(32),
    };
}

/** Session key. Two receipts that differ only in their content are an equivocation; contract is the provider. */
export interface UsageReceipt {
    globalId: number;
    contract: Buffer;
    rewards: Buffer;
    worker: Buffer;
    boot: Buffer;
    number: number;
    content: ReceiptContent;
}

export function storeUsageReceipt(src: UsageReceipt) {
    return (builder: Builder) => {
        builder.storeUint(0x2c794c3a, 32);
        builder.storeInt(src.globalId, 32);
        storeBytes(builder, src.contract, 32);
        storeBytes(builder, src.rewards, 32);
        storeBytes(builder, src.worker, 32);
        storeBytes(builder, src.boot, 16);
        builder.storeUint(src.number, 32);
        builder.storeRef(encode(storeReceiptContent(src.content)));
    };
}

export function loadUsageReceipt(slice: Slice): UsageReceipt {
    loadTag(slice, 0x2c794c3a, 32, 'usage_receipt');
    return {
        globalId: slice.loadInt(32),
        contract: slice.loadBuffer(32),
        rewards: slice.loadBuffer(32),
        worker: slice.loadBuffer(32),
        boot: slice.loadBuffer(16),
        number: slice.loadUint(32),
        content: decode(slice.loadRef(), loadReceiptContent),
    };
}

/** cost is in nanoTON; frames_hash and route_hash are SHA-256. */
export interface ReceiptContent {
    request: Buffer;
    attempt: number;
    reason: number;
    routeHash: Buffer;
    framesHash: Buffer;
    bill: ReceiptBill;
}

export function storeReceiptContent(src: ReceiptContent) {
    return (builder: Builder) => {
        storeBytes(builder, src.request, 16);
        builder.storeUint(src.attempt, 8);
        builder.storeUint(src.reason, 8);
        storeBytes(builder, src.routeHash, 32);
        storeBytes(builder, src.framesHash, 32);
        builder.storeRef(encode(storeReceiptBill(src.bill)));
    };
}

export function loadReceiptContent(slice: Slice): ReceiptContent {
    return {
        request: slice.loadBuffer(16),
        attempt: slice.loadUint(8),
        reason: slice.loadUint(8),
        routeHash: slice.loadBuffer(32),
        framesHash: slice.loadBuffer(32),
        bill: decode(slice.loadRef(), loadReceiptBill),
    };
}

export interface ReceiptBill {
    prompt: bigint;
    cached: bigint;
    completion: bigint;
    reasoning: bigint;
    price: Prices;
    cost: bigint;
}

export function storeReceiptBill(src: ReceiptBill) {
    return (builder: Builder) => {
        builder.storeUint(src.prompt, 64);
        builder.storeUint(src.cached, 64);
        builder.storeUint(src.completion, 64);
        builder.storeUint(src.reasoning, 64);
        storePrices(src.price)(builder);
        builder.storeCoins(src.cost);
    };
}

export function loadReceiptBill(slice: Slice): ReceiptBill {
    return {
        prompt: slice.loadUintBig(64),
        cached: slice.loadUintBig(64),
        completion: slice.loadUintBig(64),
        reasoning: slice.loadUintBig(64),
        price: loadPrices(slice),
        cost: slice.loadCoins(),
    };
}

export interface SignedCertificate {
    signature: Buffer;
    certificate: Certificate;
}

export function storeSignedCertificate(src: SignedCertificate) {
    return (builder: Builder) => {
        storeBytes(builder, src.signature, 64);
        builder.storeRef(encode(storeCertificate(src.certificate)));
    };
}

export function loadSignedCertificate(slice: Slice): SignedCertificate {
    return {
        signature: slice.loadBuffer(64),
        certificate: decode(slice.loadRef(), loadCertificate),
    };
}

export interface SignedReceipt {
    signature: Buffer;
    receipt: UsageReceipt;
}

export function storeSignedReceipt(src: SignedReceipt) {
    return (builder: Builder) => {
        storeBytes(builder, src.signature, 64);
        builder.storeRef(encode(storeUsageReceipt(src.receipt)));
    };
}

export function loadSignedReceipt(slice: Slice): SignedReceipt {
    return {
        signature: slice.loadBuffer(64),
        receipt: decode(slice.loadRef(), loadUsageReceipt),
    };
}

/** Published by the registry, taken by provider and rewards with their owner's consent. */
export interface TermsData {
    provider: ProviderTerms;
    rewards: RewardsTerms;
}

export function storeTermsData(src: TermsData) {
    return (builder: Builder) => {
        builder.storeRef(encode(storeProviderTerms(src.provider)));
        builder.storeRef(encode(storeRewardsTerms(src.rewards)));
    };
}

export function loadTermsData(slice: Slice): TermsData {
    return {
        provider: decode(slice.loadRef(), loadProviderTerms),
        rewards: decode(slice.loadRef(), loadRewardsTerms),
    };
}

export interface ProviderTerms {
    minProvider: bigint;
    minGpu: bigint;
    unbonding: number;
    treasury: Buffer;
}

export function storeProviderTerms(src: ProviderTerms) {
    return (builder: Builder) => {
        builder.storeCoins(src.minProvider);
        builder.storeCoins(src.minGpu);
        builder.storeUint(src.unbonding, 32);
        storeBytes(builder, src.treasury, 32);
    };
}

export function loadProviderTerms(slice: Slice): ProviderTerms {
    return {
        minProvider: slice.loadCoins(),
        minGpu: slice.loadCoins(),
        unbonding: slice.loadUint(32),
        treasury: slice.loadBuffer(32),
    };
}

export interface RewardsTerms {
    minBond: bigint;
    unbonding: number;
    heirAfter: number;
    epoch: EpochTerms;
    epochCode: Cell;
}

export function storeRewardsTerms(src: RewardsTerms) {
    return (builder: Builder) => {
        builder.storeCoins(src.minBond);
        builder.storeUint(src.unbonding, 32);
        builder.storeUint(src.heirAfter, 32);
        builder.storeRef(encode(storeEpochTerms(src.epoch)));
        builder.storeRef(src.epochCode);
    };
}

export function loadRewardsTerms(slice: Slice): RewardsTerms {
    return {
        minBond: slice.loadCoins(),
        unbonding: slice.loadUint(32),
        heirAfter: slice.loadUint(32),
        epoch: decode(slice.loadRef(), loadEpochTerms),
        epochCode: slice.loadRef(),
    };
}

/** penalty is the least that a refuted epoch costs, penalty_bps of its total where that is more. */
export interface EpochTerms {
    publish: number;
    window: number;
    expiry: number;
    networkBps: number;
    treasury: Buffer;
    penaltyBps: number;
    penalty: bigint;
}

export function storeEpochTerms(src: EpochTerms) {
    return (builder: Builder) => {
        builder.storeUint(src.publish, 32);
        builder.storeUint(src.window, 32);
        builder.storeUint(src.expiry, 32);
        builder.storeUint(src.networkBps, 16);
        storeBytes(builder, src.treasury, 32);
        builder.storeUint(src.penaltyBps, 16);
        builder.storeCoins(src.penalty);
    };
}

export function loadEpochTerms(slice: Slice): EpochTerms {
    return {
        publish: slice.loadUint(32),
        window: slice.loadUint(32),
        expiry: slice.loadUint(32),
        networkBps: slice.loadUint(16),
        treasury: slice.loadBuffer(32),
        penaltyBps: slice.loadUint(16),
        penalty: slice.loadCoins(),
    };
}

/** codes holds up to three provider births: code hash and code depth, one after another. */
export interface JobTerms {
    registry: Buffer;
    networkBps: number;
    treasury: Buffer;
    codes: Cell;
}

export function storeJobTerms(src: JobTerms) {
    return (builder: Builder) => {
        storeBytes(builder, src.registry, 32);
        builder.storeUint(src.networkBps, 16);
        storeBytes(builder, src.treasury, 32);
        builder.storeRef(src.codes);
    };
}

export function loadJobTerms(slice: Slice): JobTerms {
    return {
        registry: slice.loadBuffer(32),
        networkBps: slice.loadUint(16),
        treasury: slice.loadBuffer(32),
        codes: slice.loadRef(),
    };
}

export interface BirthCode {
    hash: Buffer;
    depth: number;
}

export function storeBirthCode(src: BirthCode) {
    return (builder: Builder) => {
        storeBytes(builder, src.hash, 32);
        builder.storeUint(src.depth, 16);
    };
}

export function loadBirthCode(slice: Slice): BirthCode {
    return {
        hash: slice.loadBuffer(32),
        depth: slice.loadUint(16),
    };
}

export interface ModelData {
    minVramMib: number;
    name: Text;
}

export function storeModelData(src: ModelData) {
    return (builder: Builder) => {
        builder.storeUint(src.minVramMib, 32);
        storeText(src.name)(builder);
    };
}

export function loadModelData(slice: Slice): ModelData {
    return {
        minVramMib: slice.loadUint(32),
        name: loadText(slice),
    };
}

export interface ImageData {
    name: Text;
}

export function storeImageData(src: ImageData) {
    return (builder: Builder) => {
        storeText(src.name)(builder);
    };
}

export function loadImageData(slice: Slice): ImageData {
    return {
        name: loadText(slice),
    };
}

export interface CodeData {
    depth: number;
    contract: Text;
}

export function storeCodeData(src: CodeData) {
    return (builder: Builder) => {
        builder.storeUint(src.depth, 16);
        storeText(src.contract)(builder);
    };
}

export function loadCodeData(slice: Slice): CodeData {
    return {
        depth: slice.loadUint(16),
        contract: loadText(slice),
    };
}

/**
 * gpu and region are ASCII, padded with zeros. Each cell of models holds one or two ModelOffers, one after another. Prices are nanoTON per
 * 10^6 tokens, below 2^56 in an offer, so that two of them always fit.
 */
export interface WorkerRecord {
    gpu: Buffer;
    region: Buffer;
    gpus: number;
    vramMib: number;
    uptimeBps: number;
    concurrency: number;
    models0: Cell | null;
    models1: Cell | null;
    models2: Cell | null;
    models3: Cell | null;
}

export function storeWorkerRecord(src: WorkerRecord) {
    return (builder: Builder) => {
        storeBytes(builder, src.gpu, 32);
        storeBytes(builder, src.region, 16);
        builder.storeUint(src.gpus, 16);
        builder.storeUint(src.vramMib, 32);
        builder.storeUint(src.uptimeBps, 16);
        builder.storeUint(src.concurrency, 16);
        builder.storeMaybeRef(src.models0);
        builder.storeMaybeRef(src.models1);
        builder.storeMaybeRef(src.models2);
        builder.storeMaybeRef(src.models3);
    };
}

export function loadWorkerRecord(slice: Slice): WorkerRecord {
    return {
        gpu: slice.loadBuffer(32),
        region: slice.loadBuffer(16),
        gpus: slice.loadUint(16),
        vramMib: slice.loadUint(32),
        uptimeBps: slice.loadUint(16),
        concurrency: slice.loadUint(16),
        models0: slice.loadMaybeRef(),
        models1: slice.loadMaybeRef(),
        models2: slice.loadMaybeRef(),
        models3: slice.loadMaybeRef(),
    };
}

export interface ModelOffer {
    model: Buffer;
    price: Prices;
}

export function storeModelOffer(src: ModelOffer) {
    return (builder: Builder) => {
        storeBytes(builder, src.model, 32);
        storePrices(src.price)(builder);
    };
}

export function loadModelOffer(slice: Slice): ModelOffer {
    return {
        model: slice.loadBuffer(32),
        price: loadPrices(slice),
    };
}

export interface Prices {
    prompt: bigint;
    cached: bigint;
    completion: bigint;
    reasoning: bigint;
}

export function storePrices(src: Prices) {
    return (builder: Builder) => {
        builder.storeCoins(src.prompt);
        builder.storeCoins(src.cached);
        builder.storeCoins(src.completion);
        builder.storeCoins(src.reasoning);
    };
}

export function loadPrices(slice: Slice): Prices {
    return {
        prompt: slice.loadCoins(),
        cached: slice.loadCoins(),
        completion: slice.loadCoins(),
        reasoning: slice.loadCoins(),
    };
}

/** Birth data is what an address is derived from; the first message replaces it by state. */
export interface RegistryBirth {
    owner: Buffer;
    delay: number;
}

export function storeRegistryBirth(src: RegistryBirth) {
    return (builder: Builder) => {
        builder.storeUint(0x0, 1);
        storeBytes(builder, src.owner, 32);
        builder.storeUint(src.delay, 32);
    };
}

export function loadRegistryBirth(slice: Slice): RegistryBirth {
    loadTag(slice, 0x0, 1, 'registry_birth');
    return {
        owner: slice.loadBuffer(32),
        delay: slice.loadUint(32),
    };
}

/** Any RegistryData. */
export type RegistryData =
    | ({ $$type: 'RegistryBirth' } & RegistryBirth)
    | ({ $$type: 'RegistryState' } & RegistryState);

export function storeRegistryData(src: RegistryData): (builder: Builder) => void {
    switch (src.$$type) {
        case 'RegistryBirth':
            return storeRegistryBirth(src);
        case 'RegistryState':
            return storeRegistryState(src);
    }
}

export function loadRegistryData(slice: Slice): RegistryData {
    switch (slice.preloadUint(1)) {
        case 0x0:
            return { $$type: 'RegistryBirth', ...loadRegistryBirth(slice) };
        case 0x1:
            return { $$type: 'RegistryState', ...loadRegistryState(slice) };
    }
    throw new Error('no RegistryData begins like this');
}

export interface RegistryState {
    owner: Buffer;
    delay: number;
    guardian: Buffer;
    nextOwner: Buffer;
    launched: boolean;
    nextChange: number;
    announcedCount: number;
    modelCount: number;
    imageCount: number;
    codeCount: number;
    terms: TermsData | null;
    more: RegistryMore;
}

export function storeRegistryState(src: RegistryState) {
    return (builder: Builder) => {
        builder.storeUint(0x1, 1);
        storeBytes(builder, src.owner, 32);
        builder.storeUint(src.delay, 32);
        storeBytes(builder, src.guardian, 32);
        storeBytes(builder, src.nextOwner, 32);
        builder.storeBit(src.launched);
        builder.storeUint(src.nextChange, 32);
        builder.storeUint(src.announcedCount, 8);
        builder.storeUint(src.modelCount, 16);
        builder.storeUint(src.imageCount, 16);
        builder.storeUint(src.codeCount, 8);
        builder.storeMaybeRef(src.terms && encode(storeTermsData(src.terms)));
        builder.storeRef(encode(storeRegistryMore(src.more)));
    };
}

export function loadRegistryState(slice: Slice): RegistryState {
    loadTag(slice, 0x1, 1, 'registry_state');
    return {
        owner: slice.loadBuffer(32),
        delay: slice.loadUint(32),
        guardian: slice.loadBuffer(32),
        nextOwner: slice.loadBuffer(32),
        launched: slice.loadBoolean(),
        nextChange: slice.loadUint(32),
        announcedCount: slice.loadUint(8),
        modelCount: slice.loadUint(16),
        imageCount: slice.loadUint(16),
        codeCount: slice.loadUint(8),
        terms: decodeMaybe(slice.loadMaybeRef(), loadTermsData),
        more: decode(slice.loadRef(), loadRegistryMore),
    };
}

export interface RegistryMore {
    jobTerms: JobTerms | null;
    announced: Dictionary<number, Change>;
    models: Dictionary<Buffer, Listed>;
    lists: RegistryLists;
}

const registryMoreAnnounced = {
    key: Dictionary.Keys.Uint(32),
    value: dictValue<Change>(
        (src, builder) => builder.storeRef(encode(storeChange(src))),
        (slice) => decode(slice.loadRef(), loadChange),
    ),
};

const registryMoreModels = {
    key: Dictionary.Keys.Buffer(32),
    value: dictValue<Listed>(
        (src, builder) => builder.storeRef(encode(storeListed(src))),
        (slice) => decode(slice.loadRef(), loadListed),
    ),
};

export function storeRegistryMore(src: RegistryMore) {
    return (builder: Builder) => {
        builder.storeMaybeRef(src.jobTerms && encode(storeJobTerms(src.jobTerms)));
        builder.storeDict(src.announced, registryMoreAnnounced.key, registryMoreAnnounced.value);
        builder.storeDict(src.models, registryMoreModels.key, registryMoreModels.value);
        builder.storeRef(encode(storeRegistryLists(src.lists)));
    };
}

export function loadRegistryMore(slice: Slice): RegistryMore {
    return {
        jobTerms: decodeMaybe(slice.loadMaybeRef(), loadJobTerms),
        announced: loadDict(slice, registryMoreAnnounced.key, registryMoreAnnounced.value),
        models: loadDict(slice, registryMoreModels.key, registryMoreModels.value),
        lists: decode(slice.loadRef(), loadRegistryLists),
    };
}

export interface RegistryLists {
    images: Dictionary<Buffer, Listed>;
    codes: Dictionary<Buffer, CodeData>;
}

const registryListsImages = {
    key: Dictionary.Keys.Buffer(32),
    value: dictValue<Listed>(
        (src, builder) => builder.storeRef(encode(storeListed(src))),
        (slice) => decode(slice.loadRef(), loadListed),
    ),
};

const registryListsCodes = {
    key: Dictionary.Keys.Buffer(32),
    value: dictValue<CodeData>(
        (src, builder) => builder.storeRef(encode(storeCodeData(src))),
        (slice) => decode(slice.loadRef(), loadCodeData),
    ),
};

export function storeRegistryLists(src: RegistryLists) {
    return (builder: Builder) => {
        builder.storeDict(src.images, registryListsImages.key, registryListsImages.value);
        builder.storeDict(src.codes, registryListsCodes.key, registryListsCodes.value);
    };
}

export function loadRegistryLists(slice: Slice): RegistryLists {
    return {
        images: loadDict(slice, registryListsImages.key, registryListsImages.value),
        codes: loadDict(slice, registryListsCodes.key, registryListsCodes.value),
    };
}

export interface Change {
    kind: number;
    key: Buffer;
    appliesAt: number;
    value: Cell | null;
}

export function storeChange(src: Change) {
    return (builder: Builder) => {
        builder.storeUint(src.kind, 8);
        storeBytes(builder, src.key, 32);
        builder.storeUint(src.appliesAt, 32);
        builder.storeMaybeRef(src.value);
    };
}

export function loadChange(slice: Slice): Change {
    return {
        kind: slice.loadUint(8),
        key: slice.loadBuffer(32),
        appliesAt: slice.loadUint(32),
        value: slice.loadMaybeRef(),
    };
}

/** data is ModelData or ImageData. */
export interface Listed {
    suspendedUntil: number;
    data: Cell;
}

export function storeListed(src: Listed) {
    return (builder: Builder) => {
        builder.storeUint(src.suspendedUntil, 32);
        builder.storeRef(src.data);
    };
}

export function loadListed(slice: Slice): Listed {
    return {
        suspendedUntil: slice.loadUint(32),
        data: slice.loadRef(),
    };
}

export interface ProviderBirth {
    registry: Buffer;
    owner: Buffer;
    index: number;
}

export function storeProviderBirth(src: ProviderBirth) {
    return (builder: Builder) => {
        builder.storeUint(0x0, 1);
        storeBytes(builder, src.registry, 32);
        storeBytes(builder, src.owner, 32);
        builder.storeUint(src.index, 32);
    };
}

export function loadProviderBirth(slice: Slice): ProviderBirth {
    loadTag(slice, 0x0, 1, 'provider_birth');
    return {
        registry: slice.loadBuffer(32),
        owner: slice.loadBuffer(32),
        index: slice.loadUint(32),
    };
}

/** Any ProviderData. */
export type ProviderData =
    | ({ $$type: 'ProviderBirth' } & ProviderBirth)
    | ({ $$type: 'ProviderState' } & ProviderState);

export function storeProviderData(src: ProviderData): (builder: Builder) => void {
    switch (src.$$type) {
        case 'ProviderBirth':
            return storeProviderBirth(src);
        case 'ProviderState':
            return storeProviderState(src);
    }
}

export function loadProviderData(slice: Slice): ProviderData {
    switch (slice.preloadUint(1)) {
        case 0x0:
            return { $$type: 'ProviderBirth', ...loadProviderBirth(slice) };
        case 0x1:
            return { $$type: 'ProviderState', ...loadProviderState(slice) };
    }
    throw new Error('no ProviderData begins like this');
}

/**
 * agreed and the three behind it repeat what binds of the terms taken, and are 0 before any; these amounts have one length, so that operations
 * skip them at once. gpus are those of active workers, count is of all entries of workers. slashed tells when a worker was slashed, which happens
 * once and retires an active one. leaving counts the tranches, which lie in tranches one after another, newest first.
 */
export interface ProviderState {
    ties: Ties;
    stake: bigint;
    unbonding: bigint;
    leaving: number;
    tranches: Cell | null;
    operator: Buffer;
    agreed: boolean;
    period: number;
    minProvider: bigint;
    minGpu: bigint;
    allowance: bigint;
    revision: bigint;
    gpus: number;
    count: number;
    workers: Dictionary<Buffer, WorkerEntry>;
    slashed: Dictionary<Buffer, number>;
}

const providerStateWorkers = {
    key: Dictionary.Keys.Buffer(32),
    value: dictValue<WorkerEntry>(
        (src, builder) => storeWorkerEntry(src)(builder),
        (slice) => loadWorkerEntry(slice),
    ),
};

const providerStateSlashed = {
    key: Dictionary.Keys.Buffer(32),
    value: dictValue<number>(
        (src, builder) => builder.storeUint(src, 32),
        (slice) => slice.loadUint(32),
    ),
};

export function storeProviderState(src: ProviderState) {
    return (builder: Builder) => {
        builder.storeUint(0x1, 1);
        builder.storeRef(encode(storeTies(src.ties)));
        builder.storeCoins(src.stake);
        builder.storeCoins(src.unbonding);
        builder.storeUint(src.leaving, 3);
        builder.storeMaybeRef(src.tranches);
        storeBytes(builder, src.operator, 32);
        builder.storeBit(src.agreed);
        builder.storeUint(src.period, 32);
        builder.storeUint(src.minProvider, 120);
        builder.storeUint(src.minGpu, 120);
        builder.storeUint(src.allowance, 120);
        builder.storeUint(src.revision, 64);
        builder.storeUint(src.gpus, 32);
        builder.storeUint(src.count, 8);
        builder.storeDict(src.workers, providerStateWorkers.key, providerStateWorkers.value);
        builder.storeDict(src.slashed, providerStateSlashed.key, providerStateSlashed.value);
    };
}

export function loadProviderState(slice: Slice): ProviderState {
    loadTag(slice, 0x1, 1, 'provider_state');
    return {
        ties: decode(slice.loadRef(), loadTies),
        stake: slice.loadCoins(),
        unbonding: slice.loadCoins(),
        leaving: slice.loadUint(3),
        tranches: slice.loadMaybeRef(),
        operator: slice.loadBuffer(32),
        agreed: slice.loadBoolean(),
        period: slice.loadUint(32),
        minProvider: slice.loadUintBig(120),
        minGpu: slice.loadUintBig(120),
        allowance: slice.loadUintBig(120),
        revision: slice.loadUintBig(64),
        gpus: slice.loadUint(32),
        count: slice.loadUint(8),
        workers: loadDict(slice, providerStateWorkers.key, providerStateWorkers.value),
        slashed: loadDict(slice, providerStateSlashed.key, providerStateSlashed.value),
    };
}

export interface Tranche {
    at: number;
    amount: bigint;
}

export function storeTranche(src: Tranche) {
    return (builder: Builder) => {
        builder.storeUint(src.at, 32);
        builder.storeCoins(src.amount);
    };
}

export function loadTranche(slice: Slice): Tranche {
    return {
        at: slice.loadUint(32),
        amount: slice.loadCoins(),
    };
}

/** The birth, and which terms were taken. */
export interface Ties {
    registry: Buffer;
    owner: Buffer;
    index: number;
    awaiting: Buffer;
    taken: TakenTerms | null;
}

export function storeTies(src: Ties) {
    return (builder: Builder) => {
        storeBytes(builder, src.registry, 32);
        storeBytes(builder, src.owner, 32);
        builder.storeUint(src.index, 32);
        storeBytes(builder, src.awaiting, 32);
        builder.storeMaybeRef(src.taken && encode(storeTakenTerms(src.taken)));
    };
}

export function loadTies(slice: Slice): Ties {
    return {
        registry: slice.loadBuffer(32),
        owner: slice.loadBuffer(32),
        index: slice.loadUint(32),
        awaiting: slice.loadBuffer(32),
        taken: decodeMaybe(slice.loadMaybeRef(), loadTakenTerms),
    };
}

export interface TakenTerms {
    hash: Buffer;
    terms: ProviderTerms;
}

export function storeTakenTerms(src: TakenTerms) {
    return (builder: Builder) => {
        storeBytes(builder, src.hash, 32);
        storeProviderTerms(src.terms)(builder);
    };
}

export function loadTakenTerms(slice: Slice): TakenTerms {
    return {
        hash: slice.loadBuffer(32),
        terms: loadProviderTerms(slice),
    };
}

/** retired_at is 0 while the operator has not retired the worker. */
export interface WorkerEntry {
    retiredAt: number;
    gpus: number;
    record: Cell;
}

export function storeWorkerEntry(src: WorkerEntry) {
    return (builder: Builder) => {
        builder.storeUint(src.retiredAt, 32);
        builder.storeUint(src.gpus, 16);
        builder.storeRef(src.record);
    };
}

export function loadWorkerEntry(slice: Slice): WorkerEntry {
    return {
        retiredAt: slice.loadUint(32),
        gpus: slice.loadUint(16),
        record: slice.loadRef(),
    };
}

/** phase: 0 inert, 1 open, 2 accepted, 3 delivered, 4 disputed, 5 closed. until ends the phase. */
export interface JobData {
    phase: number;
    until: number;
    offer: JobOffer;
    bound: Bound | null;
    result: Delivery | null;
}

export function storeJobData(src: JobData) {
    return (builder: Builder) => {
        builder.storeUint(src.phase, 3);
        builder.storeUint(src.until, 32);
        builder.storeRef(encode(storeJobOffer(src.offer)));
        builder.storeMaybeRef(src.bound && encode(storeBound(src.bound)));
        builder.storeMaybeRef(src.result && encode(storeDelivery(src.result)));
    };
}

export function loadJobData(slice: Slice): JobData {
    return {
        phase: slice.loadUint(3),
        until: slice.loadUint(32),
        offer: decode(slice.loadRef(), loadJobOffer),
        bound: decodeMaybe(slice.loadMaybeRef(), loadBound),
        result: decodeMaybe(slice.loadMaybeRef(), loadDelivery),
    };
}

/** An offer_key of 0 lets any provider accept, an arbiter of 0 leaves disputes to default_bps, at once. */
export interface JobOffer {
    client: Buffer;
    dispatcher: Buffer;
    offerKey: Buffer;
    dispatcherBps: number;
    salt: bigint;
    work: JobWork;
    money: JobMoney;
    terms: JobTerms;
}

export function storeJobOffer(src: JobOffer) {
    return (builder: Builder) => {
        storeBytes(builder, src.client, 32);
        storeBytes(builder, src.dispatcher, 32);
        storeBytes(builder, src.offerKey, 32);
        builder.storeUint(src.dispatcherBps, 16);
        builder.storeUint(src.salt, 64);
        builder.storeRef(encode(storeJobWork(src.work)));
        builder.storeRef(encode(storeJobMoney(src.money)));
        builder.storeRef(encode(storeJobTerms(src.terms)));
    };
}

export function loadJobOffer(slice: Slice): JobOffer {
    return {
        client: slice.loadBuffer(32),
        dispatcher: slice.loadBuffer(32),
        offerKey: slice.loadBuffer(32),
        dispatcherBps: slice.loadUint(16),
        salt: slice.loadUintBig(64),
        work: decode(slice.loadRef(), loadJobWork),
        money: decode(slice.loadRef(), loadJobMoney),
        terms: decode(slice.loadRef(), loadJobTerms),
    };
}

export interface JobWork {
    model: Buffer;
    payloadHash: Buffer;
    resultKeyHash: Buffer;
    caps: Prices;
}

export function storeJobWork(src: JobWork) {
    return (builder: Builder) => {
        storeBytes(builder, src.model, 32);
        storeBytes(builder, src.payloadHash, 32);
        storeBytes(builder, src.resultKeyHash, 32);
        builder.storeRef(encode(storePrices(src.caps)));
    };
}

export function loadJobWork(slice: Slice): JobWork {
    return {
        model: slice.loadBuffer(32),
        payloadHash: slice.loadBuffer(32),
        resultKeyHash: slice.loadBuffer(32),
        caps: decode(slice.loadRef(), loadPrices),
    };
}

export interface JobMoney {
    budget: bigint;
    minBond: bigint;
    deposit: bigint;
    acceptBy: number;
    work: number;
    review: number;
    arbitration: number;
    defaultBps: number;
    arbiter: Buffer;
}

export function storeJobMoney(src: JobMoney) {
    return (builder: Builder) => {
        builder.storeCoins(src.budget);
        builder.storeCoins(src.minBond);
        builder.storeCoins(src.deposit);
        builder.storeUint(src.acceptBy, 32);
        builder.storeUint(src.work, 32);
        builder.storeUint(src.review, 32);
        builder.storeUint(src.arbitration, 32);
        builder.storeUint(src.defaultBps, 16);
        storeBytes(builder, src.arbiter, 32);
    };
}

export function loadJobMoney(slice: Slice): JobMoney {
    return {
        budget: slice.loadCoins(),
        minBond: slice.loadCoins(),
        deposit: slice.loadCoins(),
        acceptBy: slice.loadUint(32),
        work: slice.loadUint(32),
        review: slice.loadUint(32),
        arbitration: slice.loadUint(32),
        defaultBps: slice.loadUint(16),
        arbiter: slice.loadBuffer(32),
    };
}

export interface Bound {
    provider: Buffer;
    worker: Buffer;
    bond: bigint;
}

export function storeBound(src: Bound) {
    return (builder: Builder) => {
        storeBytes(builder, src.provider, 32);
        storeBytes(builder, src.worker, 32);
        builder.storeCoins(src.bond);
    };
}

export function loadBound(slice: Slice): Bound {
    return {
        provider: slice.loadBuffer(32),
        worker: slice.loadBuffer(32),
        bond: slice.loadCoins(),
    };
}

export interface RewardsBirth {
    registry: Buffer;
    owner: Buffer;
    index: number;
}

export function storeRewardsBirth(src: RewardsBirth) {
    return (builder: Builder) => {
        builder.storeUint(0x0, 1);
        storeBytes(builder, src.registry, 32);
        storeBytes(builder, src.owner, 32);
        builder.storeUint(src.index, 32);
    };
}

export function loadRewardsBirth(slice: Slice): RewardsBirth {
    loadTag(slice, 0x0, 1, 'rewards_birth');
    return {
        registry: slice.loadBuffer(32),
        owner: slice.loadBuffer(32),
        index: slice.loadUint(32),
    };
}

/** Any RewardsData. */
export type RewardsData =
    | ({ $$type: 'RewardsBirth' } & RewardsBirth)
    | ({ $$type: 'RewardsState' } & RewardsState);

export function storeRewardsData(src: RewardsData): (builder: Builder) => void {
    switch (src.$$type) {
        case 'RewardsBirth':
            return storeRewardsBirth(src);
        case 'RewardsState':
            return storeRewardsState(src);
    }
}

export function loadRewardsData(slice: Slice): RewardsData {
    switch (slice.preloadUint(1)) {
        case 0x0:
            return { $$type: 'RewardsBirth', ...loadRewardsBirth(slice) };
        case 0x1:
            return { $$type: 'RewardsState', ...loadRewardsState(slice) };
    }
    throw new Error('no RewardsData begins like this');
}

/**
 * pending is the account of the epoch that has not passed, 0 where there is none. cap binds retries. Nothing leaves before number > owed.
 * Owner or operator was seen at seen_at. leaving counts the tranches, as a provider's.
 */
export interface RewardsState {
    bond: bigint;
    unbonding: bigint;
    cap: bigint;
    number: number;
    attempt: number;
    owed: number;
    seenAt: number;
    pending: Buffer;
    operator: Buffer;
    leaving: number;
    tranches: Cell | null;
    roles: Roles;
    keys: ReceiptKeys;
    taken: TakenRewardsTerms;
}

export function storeRewardsState(src: RewardsState) {
    return (builder: Builder) => {
        builder.storeUint(0x1, 1);
        builder.storeCoins(src.bond);
        builder.storeCoins(src.unbonding);
        builder.storeCoins(src.cap);
        builder.storeUint(src.number, 32);
        builder.storeUint(src.attempt, 16);
        builder.storeUint(src.owed, 32);
        builder.storeUint(src.seenAt, 32);
        storeBytes(builder, src.pending, 32);
        storeBytes(builder, src.operator, 32);
        builder.storeUint(src.leaving, 3);
        builder.storeMaybeRef(src.tranches);
        builder.storeRef(encode(storeRoles(src.roles)));
        builder.storeRef(encode(storeReceiptKeys(src.keys)));
        builder.storeRef(encode(storeTakenRewardsTerms(src.taken)));
    };
}

export function loadRewardsState(slice: Slice): RewardsState {
    loadTag(slice, 0x1, 1, 'rewards_state');
    return {
        bond: slice.loadCoins(),
        unbonding: slice.loadCoins(),
        cap: slice.loadCoins(),
        number: slice.loadUint(32),
        attempt: slice.loadUint(16),
        owed: slice.loadUint(32),
        seenAt: slice.loadUint(32),
        pending: slice.loadBuffer(32),
        operator: slice.loadBuffer(32),
        leaving: slice.loadUint(3),
        tranches: slice.loadMaybeRef(),
        roles: decode(slice.loadRef(), loadRoles),
        keys: decode(slice.loadRef(), loadReceiptKeys),
        taken: decode(slice.loadRef(), loadTakenRewardsTerms),
    };
}

/** birth is kept for the address; owner and heir may have changed since. */
export interface Roles {
    owner: Buffer;
    nextOwner: Buffer;
    heir: Buffer;
    birth: RewardsData;
}

export function storeRoles(src: Roles) {
    return (builder: Builder) => {
        storeBytes(builder, src.owner, 32);
        storeBytes(builder, src.nextOwner, 32);
        storeBytes(builder, src.heir, 32);
        builder.storeRef(encode(storeRewardsData(src.birth)));
    };
}

export function loadRoles(slice: Slice): Roles {
    return {
        owner: slice.loadBuffer(32),
        nextOwner: slice.loadBuffer(32),
        heir: slice.loadBuffer(32),
        birth: decode(slice.loadRef(), loadRewardsData),
    };
}

/** key signs receipts of numbers before next_from, next those from there on; next_from is 0 while there is no next. */
export interface ReceiptKeys {
    key: Buffer;
    next: Buffer;
    nextFrom: number;
    endpoint: Endpoint | null;
}

export function storeReceiptKeys(src: ReceiptKeys) {
    return (builder: Builder) => {
        storeBytes(builder, src.key, 32);
        storeBytes(builder, src.next, 32);
        builder.storeUint(src.nextFrom, 32);
        builder.storeMaybeRef(src.endpoint && encode(storeEndpoint(src.endpoint)));
    };
}

export function loadReceiptKeys(slice: Slice): ReceiptKeys {
    return {
        key: slice.loadBuffer(32),
        next: slice.loadBuffer(32),
        nextFrom: slice.loadUint(32),
        endpoint: decodeMaybe(slice.loadMaybeRef(), loadEndpoint),
    };
}

/** url is ASCII of at most 120 bytes; tls_key_hash is the SHA-256 of the public key that a TLS server there proves. */
export interface Endpoint {
    tlsKeyHash: Buffer;
    url: Text;
}

export function storeEndpoint(src: Endpoint) {
    return (builder: Builder) => {
        storeBytes(builder, src.tlsKeyHash, 32);
        builder.storeRef(encode(storeText(src.url)));
    };
}

export function loadEndpoint(slice: Slice): Endpoint {
    return {
        tlsKeyHash: slice.loadBuffer(32),
        url: decode(slice.loadRef(), loadText),
    };
}

export interface TakenRewardsTerms {
    awaiting: Buffer;
    hash: Buffer;
    terms: RewardsTerms | null;
}

export function storeTakenRewardsTerms(src: TakenRewardsTerms) {
    return (builder: Builder) => {
        storeBytes(builder, src.awaiting, 32);
        storeBytes(builder, src.hash, 32);
        builder.storeMaybeRef(src.terms && encode(storeRewardsTerms(src.terms)));
    };
}

export function loadTakenRewardsTerms(slice: Slice): TakenRewardsTerms {
    return {
        awaiting: slice.loadBuffer(32),
        hash: slice.loadBuffer(32),
        terms: decodeMaybe(slice.loadMaybeRef(), loadRewardsTerms),
    };
}

export interface EpochBirth {
    rewards: Buffer;
    number: number;
    attempt: number;
}

export function storeEpochBirth(src: EpochBirth) {
    return (builder: Builder) => {
        builder.storeUint(0x0, 1);
        storeBytes(builder, src.rewards, 32);
        builder.storeUint(src.number, 32);
        builder.storeUint(src.attempt, 16);
    };
}

export function loadEpochBirth(slice: Slice): EpochBirth {
    loadTag(slice, 0x0, 1, 'epoch_birth');
    return {
        rewards: slice.loadBuffer(32),
        number: slice.loadUint(32),
        attempt: slice.loadUint(16),
    };
}

/** Any EpochData. */
export type EpochData =
    | ({ $$type: 'EpochBirth' } & EpochBirth)
    | ({ $$type: 'EpochState' } & EpochState);

export function storeEpochData(src: EpochData): (builder: Builder) => void {
    switch (src.$$type) {
        case 'EpochBirth':
            return storeEpochBirth(src);
        case 'EpochState':
            return storeEpochState(src);
    }
}

export function loadEpochData(slice: Slice): EpochData {
    switch (slice.preloadUint(1)) {
        case 0x0:
            return { $$type: 'EpochBirth', ...loadEpochBirth(slice) };
        case 0x1:
            return { $$type: 'EpochState', ...loadEpochState(slice) };
    }
    throw new Error('no EpochData begins like this');
}

/**
 * phase: 0 publishing, 1 window, 2 paying, 3 finished, 4 failed. last is the last published provider, once failed the one that proved it.
 * Leaf i was claimed where bit i % 1000 from the left is 1 in word w = i / 1000, which is node w / 3 of the tree w % 3. Node 0 of a tree is its
 * root, node n > 0 is node (n - 1) / 4 of the tree below the root's child (n - 1) % 4. A node is a cell of 1000 bits whose
 * references are its four children; the lowest level, which is the first that holds all words, has none.
 */
export interface EpochState {
    phase: number;
    until: number;
    cursor: number;
    published: number;
    last: Buffer;
    paid: bigint;
    sum: bigint;
    claims0: Cell;
    claims1: Cell;
    claims2: Cell;
    opened: EpochOpened;
}

export function storeEpochState(src: EpochState) {
    return (builder: Builder) => {
        builder.storeUint(0x1, 1);
        builder.storeUint(src.phase, 3);
        builder.storeUint(src.until, 32);
        builder.storeUint(src.cursor, 18);
        builder.storeUint(src.published, 18);
        storeBytes(builder, src.last, 32);
        builder.storeCoins(src.paid);
        builder.storeCoins(src.sum);
        builder.storeRef(src.claims0);
        builder.storeRef(src.claims1);
        builder.storeRef(src.claims2);
        builder.storeRef(encode(storeEpochOpened(src.opened)));
    };
}

export function loadEpochState(slice: Slice): EpochState {
    loadTag(slice, 0x1, 1, 'epoch_state');
    return {
        phase: slice.loadUint(3),
        until: slice.loadUint(32),
        cursor: slice.loadUint(18),
        published: slice.loadUint(18),
        last: slice.loadBuffer(32),
        paid: slice.loadCoins(),
        sum: slice.loadCoins(),
        claims0: slice.loadRef(),
        claims1: slice.loadRef(),
        claims2: slice.loadRef(),
        opened: decode(slice.loadRef(), loadEpochOpened),
    };
}

export interface EpochOpened {
    root: Buffer;
    count: number;
    total: bigint;
    rewards: Buffer;
    number: number;
    attempt: number;
    receiptKey: Buffer;
    terms: EpochTerms;
}

export function storeEpochOpened(src: EpochOpened) {
    return (builder: Builder) => {
        storeBytes(builder, src.root, 32);
        builder.storeUint(src.count, 18);
        builder.storeCoins(src.total);
        storeBytes(builder, src.rewards, 32);
        builder.storeUint(src.number, 32);
        builder.storeUint(src.attempt, 16);
        storeBytes(builder, src.receiptKey, 32);
        builder.storeRef(encode(storeEpochTerms(src.terms)));
    };
}

export function loadEpochOpened(slice: Slice): EpochOpened {
    return {
        root: slice.loadBuffer(32),
        count: slice.loadUint(18),
        total: slice.loadCoins(),
        rewards: slice.loadBuffer(32),
        number: slice.loadUint(32),
        attempt: slice.loadUint(16),
        receiptKey: slice.loadBuffer(32),
        terms: decode(slice.loadRef(), loadEpochTerms),
    };
}

/** Leaves of an epoch's tree: a dense dictionary from 17-bit index, ascending by provider. amount is as short as it can be. */
export interface Leaf {
    provider: Buffer;
    amount: bigint;
    requests: number;
    tokens: bigint;
    failures: number;
    uptimeBps: number;
    p50Ms: number;
}

export function storeLeaf(src: Leaf) {
    return (builder: Builder) => {
        storeBytes(builder, src.provider, 32);
        builder.storeCoins(src.amount);
        builder.storeUint(src.requests, 32);
        builder.storeUint(src.tokens, 64);
        builder.storeUint(src.failures, 32);
        builder.storeUint(src.uptimeBps, 16);
        builder.storeUint(src.p50Ms, 32);
    };
}

export function loadLeaf(slice: Slice): Leaf {
    return {
        provider: slice.loadBuffer(32),
        amount: slice.loadCoins(),
        requests: slice.loadUint(32),
        tokens: slice.loadUintBig(64),
        failures: slice.loadUint(32),
        uptimeBps: slice.loadUint(16),
        p50Ms: slice.loadUint(32),
    };
}

/** Born with closed, settled, previous, previous_until and closes_at 0, and with the key of its terms. closes_at is 0 until a close is requested. */
export interface ChannelData {
    closed: boolean;
    settled: bigint;
    rewards: Buffer;
    key: Buffer;
    previous: Buffer;
    previousUntil: number;
    closesAt: number;
    terms: ChannelTerms;
}

export function storeChannelData(src: ChannelData) {
    return (builder: Builder) => {
        builder.storeBit(src.closed);
        builder.storeCoins(src.settled);
        storeBytes(builder, src.rewards, 32);
        storeBytes(builder, src.key, 32);
        storeBytes(builder, src.previous, 32);
        builder.storeUint(src.previousUntil, 32);
        builder.storeUint(src.closesAt, 32);
        builder.storeRef(encode(storeChannelTerms(src.terms)));
    };
}

export function loadChannelData(slice: Slice): ChannelData {
    return {
        closed: slice.loadBoolean(),
        settled: slice.loadCoins(),
        rewards: slice.loadBuffer(32),
        key: slice.loadBuffer(32),
        previous: slice.loadBuffer(32),
        previousUntil: slice.loadUint(32),
        closesAt: slice.loadUint(32),
        terms: decode(slice.loadRef(), loadChannelTerms),
    };
}

export interface ChannelTerms {
    client: Buffer;
    clientKey: Buffer;
    dispatcherKey: Buffer;
    closeDelay: number;
    salt: bigint;
}

export function storeChannelTerms(src: ChannelTerms) {
    return (builder: Builder) => {
        storeBytes(builder, src.client, 32);
        storeBytes(builder, src.clientKey, 32);
        storeBytes(builder, src.dispatcherKey, 32);
        builder.storeUint(src.closeDelay, 32);
        builder.storeUint(src.salt, 64);
    };
}

export function loadChannelTerms(slice: Slice): ChannelTerms {
    return {
        client: slice.loadBuffer(32),
        clientKey: slice.loadBuffer(32),
        dispatcherKey: slice.loadBuffer(32),
        closeDelay: slice.loadUint(32),
        salt: slice.loadUintBig(64),
    };
}

/** Any message that a channel takes. */
export type ChannelMessage =
    | ({ $$type: 'Finish' } & Finish)
    | ({ $$type: 'OpenChannel' } & OpenChannel)
    | ({ $$type: 'Settle' } & Settle)
    | ({ $$type: 'Rotate' } & Rotate)
    | ({ $$type: 'RequestClose' } & RequestClose)
    | ({ $$type: 'CloseNow' } & CloseNow);

export function storeChannelMessage(src: ChannelMessage): (builder: Builder) => void {
    switch (src.$$type) {
        case 'Finish':
            return storeFinish(src);
        case 'OpenChannel':
            return storeOpenChannel(src);
        case 'Settle':
            return storeSettle(src);
        case 'Rotate':
            return storeRotate(src);
        case 'RequestClose':
            return storeRequestClose(src);
        case 'CloseNow':
            return storeCloseNow(src);
    }
}

export function loadChannelMessage(slice: Slice): ChannelMessage {
    switch (slice.preloadUint(32)) {
        case 0x025320b5:
            return { $$type: 'Finish', ...loadFinish(slice) };
        case 0x7f9376df:
            return { $$type: 'OpenChannel', ...loadOpenChannel(slice) };
        case 0x289903bf:
            return { $$type: 'Settle', ...loadSettle(slice) };
        case 0x460f95d3:
            return { $$type: 'Rotate', ...loadRotate(slice) };
        case 0x0ec925e1:
            return { $$type: 'RequestClose', ...loadRequestClose(slice) };
        case 0x4d521c1b:
            return { $$type: 'CloseNow', ...loadCloseNow(slice) };
    }
    throw new Error('no ChannelMessage begins like this');
}

/** Any message that an epoch takes. */
export type EpochMessage =
    | ({ $$type: 'Finish' } & Finish)
    | ({ $$type: 'Open' } & Open)
    | ({ $$type: 'Publish' } & Publish)
    | ({ $$type: 'Prove' } & Prove)
    | ({ $$type: 'Fail' } & Fail)
    | ({ $$type: 'Pass' } & Pass)
    | ({ $$type: 'Push' } & Push)
    | ({ $$type: 'Claim' } & Claim);

export function storeEpochMessage(src: EpochMessage): (builder: Builder) => void {
    switch (src.$$type) {
        case 'Finish':
            return storeFinish(src);
        case 'Open':
            return storeOpen(src);
        case 'Publish':
            return storePublish(src);
        case 'Prove':
            return storeProve(src);
        case 'Fail':
            return storeFail(src);
        case 'Pass':
            return storePass(src);
        case 'Push':
            return storePush(src);
        case 'Claim':
            return storeClaim(src);
    }
}

export function loadEpochMessage(slice: Slice): EpochMessage {
    switch (slice.preloadUint(32)) {
        case 0x025320b5:
            return { $$type: 'Finish', ...loadFinish(slice) };
        case 0x69749d62:
            return { $$type: 'Open', ...loadOpen(slice) };
        case 0x07ccaae2:
            return { $$type: 'Publish', ...loadPublish(slice) };
        case 0x14fa2bc5:
            return { $$type: 'Prove', ...loadProve(slice) };
        case 0x25f9dc55:
            return { $$type: 'Fail', ...loadFail(slice) };
        case 0x1aeb1758:
            return { $$type: 'Pass', ...loadPass(slice) };
        case 0x3e3b91a3:
            return { $$type: 'Push', ...loadPush(slice) };
        case 0x043be091:
            return { $$type: 'Claim', ...loadClaim(slice) };
    }
    throw new Error('no EpochMessage begins like this');
}

/** Any message that a job takes. */
export type JobMessage =
    | ({ $$type: 'OpenJob' } & OpenJob)
    | ({ $$type: 'Accept' } & Accept)
    | ({ $$type: 'Cancel' } & Cancel)
    | ({ $$type: 'Expire' } & Expire)
    | ({ $$type: 'Deliver' } & Deliver)
    | ({ $$type: 'Approve' } & Approve)
    | ({ $$type: 'Dispute' } & Dispute)
    | ({ $$type: 'Rule' } & Rule)
    | ({ $$type: 'Finish' } & Finish);

export function storeJobMessage(src: JobMessage): (builder: Builder) => void {
    switch (src.$$type) {
        case 'OpenJob':
            return storeOpenJob(src);
        case 'Accept':
            return storeAccept(src);
        case 'Cancel':
            return storeCancel(src);
        case 'Expire':
            return storeExpire(src);
        case 'Deliver':
            return storeDeliver(src);
        case 'Approve':
            return storeApprove(src);
        case 'Dispute':
            return storeDispute(src);
        case 'Rule':
            return storeRule(src);
        case 'Finish':
            return storeFinish(src);
    }
}

export function loadJobMessage(slice: Slice): JobMessage {
    switch (slice.preloadUint(32)) {
        case 0x62938225:
            return { $$type: 'OpenJob', ...loadOpenJob(slice) };
        case 0x177e34b4:
            return { $$type: 'Accept', ...loadAccept(slice) };
        case 0x1725e4ad:
            return { $$type: 'Cancel', ...loadCancel(slice) };
        case 0x7c6ee061:
            return { $$type: 'Expire', ...loadExpire(slice) };
        case 0x5e41133d:
            return { $$type: 'Deliver', ...loadDeliver(slice) };
        case 0x43272e52:
            return { $$type: 'Approve', ...loadApprove(slice) };
        case 0x1efc704b:
            return { $$type: 'Dispute', ...loadDispute(slice) };
        case 0x0eb63160:
            return { $$type: 'Rule', ...loadRule(slice) };
        case 0x025320b5:
            return { $$type: 'Finish', ...loadFinish(slice) };
    }
    throw new Error('no JobMessage begins like this');
}

/** Any message that a provider takes. */
export type ProviderMessage =
    | ({ $$type: 'RefreshTerms' } & RefreshTerms)
    | ({ $$type: 'Terms' } & Terms)
    | ({ $$type: 'Withdraw' } & Withdraw)
    | ({ $$type: 'Stake' } & Stake)
    | ({ $$type: 'RequestUnstake' } & RequestUnstake)
    | ({ $$type: 'SetOperator' } & SetOperator)
    | ({ $$type: 'PutWorker' } & PutWorker)
    | ({ $$type: 'RetireWorker' } & RetireWorker)
    | ({ $$type: 'Prune' } & Prune)
    | ({ $$type: 'AcceptJob' } & AcceptJob)
    | ({ $$type: 'ReportEquivocation' } & ReportEquivocation)
    | ({ $$type: 'Income' } & Income);

export function storeProviderMessage(src: ProviderMessage): (builder: Builder) => void {
    switch (src.$$type) {
        case 'RefreshTerms':
            return storeRefreshTerms(src);
        case 'Terms':
            return storeTerms(src);
        case 'Withdraw':
            return storeWithdraw(src);
        case 'Stake':
            return storeStake(src);
        case 'RequestUnstake':
            return storeRequestUnstake(src);
        case 'SetOperator':
            return storeSetOperator(src);
        case 'PutWorker':
            return storePutWorker(src);
        case 'RetireWorker':
            return storeRetireWorker(src);
        case 'Prune':
            return storePrune(src);
        case 'AcceptJob':
            return storeAcceptJob(src);
        case 'ReportEquivocation':
            return storeReportEquivocation(src);
        case 'Income':
            return storeIncome(src);
    }
}

export function loadProviderMessage(slice: Slice): ProviderMessage {
    switch (slice.preloadUint(32)) {
        case 0x04acd7b8:
            return { $$type: 'RefreshTerms', ...loadRefreshTerms(slice) };
        case 0xae411ba9:
            return { $$type: 'Terms', ...loadTerms(slice) };
        case 0x0e68368f:
            return { $$type: 'Withdraw', ...loadWithdraw(slice) };
        case 0x7f0fb44f:
            return { $$type: 'Stake', ...loadStake(slice) };
        case 0x4e991dfc:
            return { $$type: 'RequestUnstake', ...loadRequestUnstake(slice) };
        case 0x0a1e5f41:
            return { $$type: 'SetOperator', ...loadSetOperator(slice) };
        case 0x708a3b21:
            return { $$type: 'PutWorker', ...loadPutWorker(slice) };
        case 0x6320ca36:
            return { $$type: 'RetireWorker', ...loadRetireWorker(slice) };
        case 0x4bb443c0:
            return { $$type: 'Prune', ...loadPrune(slice) };
        case 0x24960c88:
            return { $$type: 'AcceptJob', ...loadAcceptJob(slice) };
        case 0x5649701a:
            return { $$type: 'ReportEquivocation', ...loadReportEquivocation(slice) };
        case 0x4ecb2892:
            return { $$type: 'Income', ...loadIncome(slice) };
    }
    throw new Error('no ProviderMessage begins like this');
}

/** Any message that a registry takes. */
export type RegistryMessage =
    | ({ $$type: 'Announce' } & Announce)
    | ({ $$type: 'Apply' } & Apply)
    | ({ $$type: 'Retract' } & Retract)
    | ({ $$type: 'Launch' } & Launch)
    | ({ $$type: 'TakeOwnership' } & TakeOwnership)
    | ({ $$type: 'Suspend' } & Suspend)
    | ({ $$type: 'RequestTerms' } & RequestTerms);

export function storeRegistryMessage(src: RegistryMessage): (builder: Builder) => void {
    switch (src.$$type) {
        case 'Announce':
            return storeAnnounce(src);
        case 'Apply':
            return storeApply(src);
        case 'Retract':
            return storeRetract(src);
        case 'Launch':
            return storeLaunch(src);
        case 'TakeOwnership':
            return storeTakeOwnership(src);
        case 'Suspend':
            return storeSuspend(src);
        case 'RequestTerms':
            return storeRequestTerms(src);
    }
}

export function loadRegistryMessage(slice: Slice): RegistryMessage {
    switch (slice.preloadUint(32)) {
        case 0x0ec2e9eb:
            return { $$type: 'Announce', ...loadAnnounce(slice) };
        case 0x3926cb74:
            return { $$type: 'Apply', ...loadApply(slice) };
        case 0x3cdf5b3e:
            return { $$type: 'Retract', ...loadRetract(slice) };
        case 0x4f9e1b6f:
            return { $$type: 'Launch', ...loadLaunch(slice) };
        case 0x69074920:
            return { $$type: 'TakeOwnership', ...loadTakeOwnership(slice) };
        case 0x6648126c:
            return { $$type: 'Suspend', ...loadSuspend(slice) };
        case 0x6ba78168:
            return { $$type: 'RequestTerms', ...loadRequestTerms(slice) };
    }
    throw new Error('no RegistryMessage begins like this');
}

/** Any message that a rewards takes. */
export type RewardsMessage =
    | ({ $$type: 'RefreshTerms' } & RefreshTerms)
    | ({ $$type: 'Terms' } & Terms)
    | ({ $$type: 'Withdraw' } & Withdraw)
    | ({ $$type: 'Bond' } & Bond)
    | ({ $$type: 'Fund' } & Fund)
    | ({ $$type: 'RequestUnbond' } & RequestUnbond)
    | ({ $$type: 'Appoint' } & Appoint)
    | ({ $$type: 'SetHeir' } & SetHeir)
    | ({ $$type: 'TransferOwnership' } & TransferOwnership)
    | ({ $$type: 'AcceptOwnership' } & AcceptOwnership)
    | ({ $$type: 'Succeed' } & Succeed)
    | ({ $$type: 'RotateKey' } & RotateKey)
    | ({ $$type: 'SetEndpoint' } & SetEndpoint)
    | ({ $$type: 'Owe' } & Owe)
    | ({ $$type: 'OpenEpoch' } & OpenEpoch)
    | ({ $$type: 'Passed' } & Passed)
    | ({ $$type: 'Failed' } & Failed)
    | ({ $$type: 'Remainder' } & Remainder)
    | ({ $$type: 'Settlement' } & Settlement);

export function storeRewardsMessage(src: RewardsMessage): (builder: Builder) => void {
    switch (src.$$type) {
        case 'RefreshTerms':
            return storeRefreshTerms(src);
        case 'Terms':
            return storeTerms(src);
        case 'Withdraw':
            return storeWithdraw(src);
        case 'Bond':
            return storeBond(src);
        case 'Fund':
            return storeFund(src);
        case 'RequestUnbond':
            return storeRequestUnbond(src);
        case 'Appoint':
            return storeAppoint(src);
        case 'SetHeir':
            return storeSetHeir(src);
        case 'TransferOwnership':
            return storeTransferOwnership(src);
        case 'AcceptOwnership':
            return storeAcceptOwnership(src);
        case 'Succeed':
            return storeSucceed(src);
        case 'RotateKey':
            return storeRotateKey(src);
        case 'SetEndpoint':
            return storeSetEndpoint(src);
        case 'Owe':
            return storeOwe(src);
        case 'OpenEpoch':
            return storeOpenEpoch(src);
        case 'Passed':
            return storePassed(src);
        case 'Failed':
            return storeFailed(src);
        case 'Remainder':
            return storeRemainder(src);
        case 'Settlement':
            return storeSettlement(src);
    }
}

export function loadRewardsMessage(slice: Slice): RewardsMessage {
    switch (slice.preloadUint(32)) {
        case 0x04acd7b8:
            return { $$type: 'RefreshTerms', ...loadRefreshTerms(slice) };
        case 0xae411ba9:
            return { $$type: 'Terms', ...loadTerms(slice) };
        case 0x0e68368f:
            return { $$type: 'Withdraw', ...loadWithdraw(slice) };
        case 0x63dc077b:
            return { $$type: 'Bond', ...loadBond(slice) };
        case 0x47cf5a63:
            return { $$type: 'Fund', ...loadFund(slice) };
        case 0x20672321:
            return { $$type: 'RequestUnbond', ...loadRequestUnbond(slice) };
        case 0x557f9518:
            return { $$type: 'Appoint', ...loadAppoint(slice) };
        case 0x571261df:
            return { $$type: 'SetHeir', ...loadSetHeir(slice) };
        case 0x57b607a0:
            return { $$type: 'TransferOwnership', ...loadTransferOwnership(slice) };
        case 0x75162bb5:
            return { $$type: 'AcceptOwnership', ...loadAcceptOwnership(slice) };
        case 0x6a590e20:
            return { $$type: 'Succeed', ...loadSucceed(slice) };
        case 0x0879eeb4:
            return { $$type: 'RotateKey', ...loadRotateKey(slice) };
        case 0x15ad4c81:
            return { $$type: 'SetEndpoint', ...loadSetEndpoint(slice) };
        case 0x1ec5f4fe:
            return { $$type: 'Owe', ...loadOwe(slice) };
        case 0x1bf3564a:
            return { $$type: 'OpenEpoch', ...loadOpenEpoch(slice) };
        case 0xd9512c1f:
            return { $$type: 'Passed', ...loadPassed(slice) };
        case 0x9c26f371:
            return { $$type: 'Failed', ...loadFailed(slice) };
        case 0xb74a66ae:
            return { $$type: 'Remainder', ...loadRemainder(slice) };
        case 0xdf0596af:
            return { $$type: 'Settlement', ...loadSettlement(slice) };
    }
    throw new Error('no RewardsMessage begins like this');
}

/** Any message that a wallet takes. */
export type WalletMessage =
    | ({ $$type: 'Excesses' } & Excesses)
    | ({ $$type: 'Payout' } & Payout);

export function storeWalletMessage(src: WalletMessage): (builder: Builder) => void {
    switch (src.$$type) {
        case 'Excesses':
            return storeExcesses(src);
        case 'Payout':
            return storePayout(src);
    }
}

export function loadWalletMessage(slice: Slice): WalletMessage {
    switch (slice.preloadUint(32)) {
        case 0xd53276db:
            return { $$type: 'Excesses', ...loadExcesses(slice) };
        case 0xe4151c96:
            return { $$type: 'Payout', ...loadPayout(slice) };
    }
    throw new Error('no WalletMessage begins like this');
}
