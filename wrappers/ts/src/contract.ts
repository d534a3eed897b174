import {
    Address,
    Cell,
    Contract,
    contractAddress,
    ContractProvider,
    Sender,
    SendMode,
    StateInit,
    TupleItem,
    TupleReader,
} from '@ton/core';
import { account, encode, Writer } from './codec';
import { code } from './code_gen';

/** The contracts, by the names of their artefacts. */
export type ContractName = keyof typeof code;

/** The compiled code of a contract, the same that the Go program deploys. */
export function codeOf(name: ContractName): Cell {
    return Cell.fromBase64(code[name].boc);
}

/** What a contract is deployed with, and its address follows from. */
export function born(name: ContractName, birth: Writer): StateInit {
    return { code: codeOf(name), data: encode(birth) };
}

/** What all contracts have in common. */
export abstract class ContractBase implements Contract {
    constructor(
        readonly address: Address,
        /** Known where the contract was made from its birth; the first message then deploys it. */
        readonly init?: StateInit,
    ) {}

    /** Anyone. A plain transfer; each contract says what becomes of it. */
    async sendTopUp(provider: ContractProvider, via: Sender, value: bigint) {
        await provider.internal(via, { value, sendMode: SendMode.PAY_GAS_SEPARATELY });
    }
}

/** The contract of this class that is born with `birth`. */
export function fromBirth<T>(
    make: new (address: Address, init: StateInit) => T,
    name: ContractName,
    birth: Writer,
): T {
    const init = born(name, birth);
    return new make(contractAddress(0, init), init);
}

type Defaults = 'queryId' | 'response';

/**
 * A message as whoever sends it writes it: `queryId` is 0 unless given, and
 * `response`, which gets the change, is the sender unless given.
 */
export type Outgoing<T> = Omit<T, Defaults> & Partial<Pick<T, Extract<keyof T, Defaults>>>;

/** Sends `message` with `value` nanoTON, and deploys the contract if that is due. */
export async function send<T>(
    provider: ContractProvider,
    via: Sender,
    value: bigint,
    message: Outgoing<T>,
    store: (src: T) => Writer,
) {
    const body = encode(store(complete(message, via)));
    await provider.internal(via, { value, body, sendMode: SendMode.PAY_GAS_SEPARATELY });
}

function complete<T>(message: Outgoing<T>, via: Sender): T {
    const sender = via.address && account(via.address);
    return { queryId: 0n, response: sender, ...message } as unknown as T;
}

/**
 * The storage of a contract.
 *
 * @throws where nothing is deployed
 */
export async function dataOf(provider: ContractProvider): Promise<Cell> {
    const { state } = await provider.getState();
    if (state.type !== 'active' || !state.data) {
        throw new Error(`the contract is ${state.type}`);
    }
    return Cell.fromBoc(state.data)[0];
}

/** Runs a get-method; `read` takes what it knows, since get-methods only grow. */
export async function ask<T>(
    provider: ContractProvider,
    method: string,
    args: TupleItem[],
    read: (stack: TupleReader) => T,
): Promise<T> {
    const { stack } = await provider.get(method, args);
    return read(stack);
}

/** A get-method that returns one amount for each of `names`, in nanoTON. */
export async function askAmounts<N extends string>(
    provider: ContractProvider,
    method: string,
    args: TupleItem[],
    names: readonly N[],
): Promise<Record<N, bigint>> {
    return ask(provider, method, args, (stack) => {
        const amounts = names.map((name) => [name, stack.readBigNumber()]);
        return Object.fromEntries(amounts) as Record<N, bigint>;
    });
}

/** An integer argument of a get-method. */
export function int(value: number | bigint): TupleItem {
    return { type: 'int', value: BigInt(value) };
}

/** Bytes as the unsigned integer that a get-method takes for them. */
export function intOf(bytes: Buffer): TupleItem {
    return int(BigInt('0x' + bytes.toString('hex')));
}

/** 32 bytes of an unsigned integer that a get-method returns. */
export function readBytes(stack: TupleReader): Buffer {
    return Buffer.from(stack.readBigNumber().toString(16).padStart(64, '0'), 'hex');
}
