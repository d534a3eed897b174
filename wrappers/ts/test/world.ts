import assert from 'node:assert/strict';
import { Address, Cell, toNano, Transaction } from '@ton/core';
import { keyPairFromSeed, sha256_sync } from '@ton/crypto';
import { Blockchain, SandboxContract, SendMessageResult, TreasuryContract } from '@ton/sandbox';
import {
    account,
    birthCodes,
    ChangeKind,
    codeOf,
    encode,
    JobTerms,
    modelCells,
    modelId,
    NONE,
    Op,
    padded,
    Provider,
    Registry,
    storeJobTerms,
    storeTermsData,
    TermsData,
    WorkerRecord,
} from '../src';

export const genesis = 1_800_000_000; // unix seconds
export const model = 'Qwen/Qwen3-32B';
export const unbonding = 180; // seconds, of stakes and bonds
export const heirAfter = 600; // seconds of silence, of owner and operator of rewards
export const delay = 30; // seconds, of the registry

/** The key that belongs to `name`. */
export function keyOf(name: string) {
    return keyPairFromSeed(sha256_sync(`key ${name}`));
}

/** A chain with a registry that has published terms. */
export class World {
    constructor(
        readonly chain: Blockchain,
        /** Owns the registry. */
        readonly founder: SandboxContract<TreasuryContract>,
        readonly treasury: SandboxContract<TreasuryContract>,
        readonly registry: SandboxContract<Registry>,
    ) {}

    static async create<T extends World>(this: new (...parts: any[]) => T): Promise<T> {
        const chain = await Blockchain.create();
        chain.now = genesis;
        const founder = await chain.treasury('founder');
        const birth = { owner: account(founder.address), delay };
        const registry = chain.openContract(Registry.createFromBirth(birth));
        const world = new this(chain, founder, await chain.treasury('treasury'), registry);
        requireDone(await registry.sendTopUp(founder.getSender(), toNano('0.1')));
        await world.announce(ChangeKind.terms, NONE, encode(storeTermsData(world.terms())));
        await world.announce(ChangeKind.jobTerms, NONE, encode(storeJobTerms(world.jobTerms())));
        return world;
    }

    /** Lets so many seconds pass. */
    advance(seconds: number) {
        this.chain.now! += seconds;
    }

    get now(): number {
        return this.chain.now!;
    }

    async announce(kind: number, key: Buffer, value: Cell | null) {
        const { announce } = await this.registry.getFees();
        requireDone(await this.registry.sendAnnounce(this.founder.getSender(), announce, { kind, key, value }));
    }

    terms(): TermsData {
        const treasury = account(this.treasury.address);
        return {
            provider: { minProvider: toNano(5), minGpu: toNano(2), unbonding, treasury },
            rewards: {
                minBond: toNano(20),
                unbonding,
                heirAfter,
                epoch: { publish: 20, window: 20, expiry: 300, networkBps: 100, treasury, penaltyBps: 0, penalty: toNano(2) },
                epochCode: codeOf('epoch'),
            },
        };
    }

    jobTerms(): JobTerms {
        return {
            registry: account(this.registry.address),
            networkBps: 100,
            treasury: account(this.treasury.address),
            codes: birthCodes([Provider.birthCode()]),
        };
    }

    async termsHash(): Promise<Buffer> {
        const hash = await this.registry.getTermsHash();
        assert.ok(hash);
        return hash;
    }

    async balance(of: Address): Promise<bigint> {
        return (await this.chain.getContract(of)).balance;
    }
}

/** What a worker of these tests offers. */
export function record(): WorkerRecord {
    const price = { prompt: 50_000_000n, cached: 5_000_000n, completion: 200_000_000n, reasoning: 200_000_000n };
    return {
        gpu: padded('NVIDIA H100', 32),
        region: padded('eu-west', 16),
        gpus: 1,
        vramMib: 81_920,
        uptimeBps: 9_900,
        concurrency: 4,
        ...modelCells([{ model: modelId(model), price }]),
    };
}

/**
 * No contract of the trace failed. Change and payouts are the wallet's whether
 * or not they are worth the gas that it would spend on them.
 */
export function requireDone(result: SendMessageResult) {
    const done = result.transactions.filter((tx) => !isMoney(tx));
    assert.ok(done.length > 0, 'nothing was sent');
    for (const tx of done) {
        assert.equal(exitCodeOf(tx), 0, `${tx.inMessage?.info.dest} failed`);
    }
}

function isMoney(tx: Transaction): boolean {
    return opOf(tx) === Op.excesses || opOf(tx) === Op.payout;
}

function opOf(tx: Transaction): number {
    const body = tx.inMessage!.body.beginParse();
    return body.remainingBits < 32 ? 0 : body.loadUint(32);
}

/** nanoTON that `to` got in messages of that op. */
export function received(result: SendMessageResult, to: Address, op: number): bigint {
    const infos = result.transactions.filter((tx) => opOf(tx) === op).map((tx) => tx.inMessage!.info);
    return infos.reduce((sum, i) => (i.type === 'internal' && i.dest.equals(to) ? sum + i.value.coins : sum), 0n);
}

/** The contract that a wallet wrote to refuses the message with that exit code. */
export function requireRefused(result: SendMessageResult, exitCode: number) {
    assert.equal(exitCodeOf(result.transactions[1]), exitCode);
}

/** 0 where code ran well or none ran, -1 where there was neither code nor money. */
export function exitCodeOf(tx: Transaction): number {
    const d = tx.description;
    if (d.type !== 'generic') {
        return 0;
    }
    if (d.computePhase.type === 'skipped') {
        return d.computePhase.reason === 'no-gas' ? -1 : 0;
    }
    return d.computePhase.success && d.actionPhase?.success ? 0 : d.computePhase.exitCode || -1;
}
