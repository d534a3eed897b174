import assert from 'node:assert/strict';
import { toNano } from '@ton/core';
import { SandboxContract, TreasuryContract } from '@ton/sandbox';
import {
    account,
    Channel,
    ChannelBirth,
    Epoch,
    EpochPhase,
    EpochTree,
    Job,
    JobOffer,
    JobPhase,
    Leaf,
    modelId,
    NONE,
    offersOf,
    Provider,
    Rewards,
    Signer,
    storeAcceptJobOrder,
    storeCertificate,
    storeDelivery,
    storeEarned,
    storePutWorkerOrder,
    storeUsageReceipt,
    storeVoucher,
} from '../src';
import { keyOf, model, record, requireDone, World } from './world';

/** A world with a client, a provider that has a worker, and a bonded dispatcher. */
export class Market extends World {
    client!: SandboxContract<TreasuryContract>;
    /** Of the provider; also who opens epochs. */
    owner!: SandboxContract<TreasuryContract>;
    dispatcher!: SandboxContract<TreasuryContract>;
    provider!: SandboxContract<Provider>;
    rewards!: SandboxContract<Rewards>;

    static async open(): Promise<Market> {
        const market = await Market.create();
        market.client = await market.chain.treasury('client');
        market.owner = await market.chain.treasury('owner of a provider');
        market.dispatcher = await market.chain.treasury('dispatcher');
        market.provider = await market.stake();
        market.rewards = await market.bond();
        return market;
    }

    /** A provider with 10 TON of stake, terms, an operator that may bond 5 TON, and a worker. */
    private async stake(): Promise<SandboxContract<Provider>> {
        const birth = { registry: account(this.registry.address), owner: account(this.owner.address), index: 0 };
        const provider = this.chain.openContract(Provider.createFromBirth(birth));
        const via = this.owner.getSender();
        requireDone(await provider.sendTopUp(via, toNano('0.1'))); // it can be asked from now on
        assert.equal((await provider.getState()).$$type, 'ProviderBirth');
        const { stake } = await provider.getFees();
        requireDone(await provider.sendStake(via, stake + toNano(10), { amount: toNano(10) }));
        const { refreshTerms, setOperator, putWorker } = await provider.getFees();
        requireDone(await provider.sendRefreshTerms(via, refreshTerms, { hash: await this.termsHash() }));
        const operator = new Signer(keyOf('operator'), provider.address);
        const possession = operator.possession();
        const key = operator.key.publicKey;
        requireDone(await provider.sendSetOperator(via, setOperator, { key, allowance: toNano(5), possession }));
        requireDone(await provider.sendTopUp(via, toNano(3)));
        const { signed: order, signature } = operator.sign(storePutWorkerOrder, {
            revision: 1n,
            worker: keyOf('worker').publicKey,
            possession: new Signer(keyOf('worker'), provider.address).possession(),
            record: record(),
        });
        requireDone(await provider.sendPutWorker(via, putWorker, { signature, order }));
        return provider;
    }

    /** A dispatcher's contract with 25 TON of bond, 20 TON of pot, terms and an operator. */
    private async bond(): Promise<SandboxContract<Rewards>> {
        const birth = { registry: account(this.registry.address), owner: account(this.dispatcher.address), index: 0 };
        const rewards = this.chain.openContract(Rewards.createFromBirth(birth));
        const via = this.dispatcher.getSender();
        requireDone(await rewards.sendTopUp(via, toNano('0.1')));
        assert.equal((await rewards.getState()).$$type, 'RewardsBirth');
        const [first, amount] = [await rewards.getFees(0), toNano(25)];
        requireDone(await rewards.sendBond(via, first.bond + amount, { amount }));
        const { fund, refreshTerms, appoint } = await rewards.getFees(0);
        requireDone(await rewards.sendFund(this.client.getSender(), fund + toNano(20), { amount: toNano(20) }));
        requireDone(await rewards.sendRefreshTerms(via, refreshTerms, { hash: await this.termsHash() }));
        requireDone(await rewards.sendAppoint(via, appoint, { operator: account(this.owner.address) }));
        return rewards;
    }

    private offer(salt: bigint, offerKey: Buffer, arbiter: Buffer): JobOffer {
        const caps = offersOf(record())[0].price;
        return {
            client: account(this.client.address),
            dispatcher: account(this.dispatcher.address),
            offerKey,
            dispatcherBps: 500,
            salt,
            work: { model: modelId(model), payloadHash: NONE, resultKeyHash: NONE, caps },
            money: {
                budget: toNano(1),
                minBond: toNano(1),
                deposit: arbiter === NONE ? 0n : toNano('0.1'),
                acceptBy: this.now + 60,
                work: 60,
                review: 30,
                arbitration: 30,
                defaultBps: 5_000,
                arbiter,
            },
            terms: this.jobTerms(),
        };
    }

    /** A job of 1 TON that has to be accepted within a minute. */
    async openJob(salt: bigint, offerKey = NONE, arbiter = NONE): Promise<SandboxContract<Job>> {
        const job = this.chain.openContract(Job.createFromBirth(this.offer(salt, offerKey, arbiter)));
        // only what is there can be asked for its fees; what is too much is the client's in the end
        requireDone(await job.sendOpenJob(this.client.getSender(), toNano('1.2')));
        assert.equal((await job.getJob()).phase, JobPhase.open);
        return job;
    }

    async acceptJob(job: SandboxContract<Job>, pass: { signature: Buffer } | null) {
        const operator = new Signer(keyOf('operator'), this.provider.address);
        const { signed: order, signature } = operator.sign(storeAcceptJobOrder, {
            job: account(job.address),
            code: 0,
            worker: keyOf('worker').publicKey,
            bond: toNano(1),
            validUntil: this.now + 60,
            pass,
        });
        const { acceptJob } = await this.provider.getFees();
        requireDone(await this.provider.sendAcceptJob(this.owner.getSender(), acceptJob, { signature, order }));
        assert.equal((await job.getJob()).phase, JobPhase.accepted);
    }

    /** What the worker signs when it is done, for 0.8 TON. */
    deliveryOf(job: SandboxContract<Job>) {
        return new Signer(keyOf('worker'), job.address).sign(storeDelivery, {
            resultHash: NONE,
            amount: toNano('0.8'),
            prompt: 1_000n,
            cached: 0n,
            completion: 3_000n,
            reasoning: 0n,
        });
    }

    /** A certificate by the worker of the key called session, and two receipts of one number by it. */
    equivocation() {
        const [worker, boot] = [keyOf('worker').publicKey, Buffer.alloc(16, 7)];
        const { signed: certificate, signature } = new Signer(keyOf('worker'), this.provider.address).sign(storeCertificate, {
            sessionKey: keyOf('session').publicKey,
            boot,
            notAfter: this.now + 3_600,
        });
        const [first, second] = [1n, 2n].map((cost) => {
            const bill = { prompt: 10n, cached: 0n, completion: 20n, reasoning: 0n, price: offersOf(record())[0].price, cost };
            const content = { request: Buffer.alloc(16), attempt: 1, reason: 0, routeHash: NONE, framesHash: NONE, bill };
            const scope = { rewards: account(this.rewards.address), worker, boot, number: 1 };
            const { signed: receipt, signature } = new Signer(keyOf('session'), this.provider.address).sign(storeUsageReceipt, { ...scope, content });
            return { signature, receipt };
        });
        return { worker, certificate: { signature, certificate }, first, second };
    }

    channelBirth(salt: bigint): ChannelBirth {
        return {
            client: account(this.client.address),
            clientKey: keyOf('client').publicKey,
            rewards: account(this.rewards.address),
            dispatcherKey: keyOf('dispatcher').publicKey,
            closeDelay: 20,
            salt,
        };
    }

    /** A channel with 5 TON in it. */
    async openChannel(salt: bigint): Promise<SandboxContract<Channel>> {
        const channel = this.chain.openContract(Channel.createFromBirth(this.channelBirth(salt)));
        requireDone(await channel.sendTopUp(this.client.getSender(), toNano(5)));
        return channel;
    }

    async settle(channel: SandboxContract<Channel>, signer: Signer, cumulative: bigint) {
        const { signature } = signer.sign(storeVoucher, { cumulative });
        const { settle } = await channel.getFees();
        requireDone(await channel.sendSettle(this.dispatcher.getSender(), settle, { signature, cumulative }));
        assert.equal((await channel.getChannel()).settled, cumulative);
    }

    /** 2 TON each for the provider and two more, ascending, as the contract wants them. */
    leaves(): Leaf[] {
        const others = [Buffer.alloc(32, 1), Buffer.alloc(32, 0xfe)];
        return [account(this.provider.address), ...others].sort(Buffer.compare).map((provider) => ({
            provider,
            amount: toNano(2),
            requests: 10,
            tokens: 1_000n,
            failures: 0,
            uptimeBps: 10_000,
            p50Ms: 300,
        }));
    }

    /** Names the key that signs receipts. */
    async rotateKey(name: string) {
        const { rotateKey } = await this.rewards.getFees(0);
        const possession = new Signer(keyOf(name), this.rewards.address).possession();
        const message = { key: keyOf(name).publicKey, possession };
        requireDone(await this.rewards.sendRotateKey(this.dispatcher.getSender(), rotateKey, message));
    }

    /** What the dispatcher signs about a provider's earnings in a number. */
    receipt(number: number, provider: Buffer, amount: bigint, key = 'receipts') {
        const { signed, signature } = new Signer(keyOf(key), this.rewards.address).sign(storeEarned, { number, provider, amount });
        return { signature, receipt: signed };
    }

    /** Shows every leaf of an epoch. */
    async publish(epoch: SandboxContract<Epoch>, leaves: Leaf[]) {
        const [tree, { publish }] = [new EpochTree(leaves), await epoch.getFees(leaves.length)];
        const page = { from: 0, count: leaves.length, page: tree.proof(0, leaves.length) };
        requireDone(await epoch.sendPublish(this.client.getSender(), publish, page));
        assert.equal((await epoch.getEpoch()).phase, EpochPhase.window);
    }

    async openEpoch(tree: EpochTree): Promise<SandboxContract<Epoch>> {
        const { number, attempt } = await this.rewards.getRewards();
        const { openEpoch } = await this.rewards.getFees(tree.length);
        const opening = { root: tree.root, total: tree.total, count: tree.length };
        requireDone(await this.rewards.sendOpenEpoch(this.owner.getSender(), openEpoch, opening));
        const birth = { rewards: account(this.rewards.address), number, attempt };
        const epoch = this.chain.openContract(Epoch.createFromBirth(birth));
        assert.equal((await epoch.getEpoch()).phase, EpochPhase.publishing);
        return epoch;
    }
}
