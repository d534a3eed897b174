// Reads transfers, one line of JSON, and then numbers: for each it sends so many
// of them from the beginning and answers with the seconds that took and the hash
// of the last transaction.
const readline = require('node:readline');
const { Address, Cell, loadShardAccount } = require('@ton/core');
const { Blockchain } = require('@ton/sandbox');

async function run(transfers, n) {
    const blockchain = await Blockchain.create({ config: Cell.fromBase64(transfers.config) });
    blockchain.now = transfers.now;
    for (const [i, raw] of [transfers.sender, transfers.receiver].entries()) {
        const account = loadShardAccount(Cell.fromBase64(transfers.accounts[i]).beginParse());
        await blockchain.setShardAccount(Address.parseRaw(raw), account);
    }
    let last;
    const start = process.hrtime.bigint();
    for (const external of transfers.externals.slice(0, n)) {
        last = await blockchain.sendMessage(Cell.fromBase64(external));
        if (last.transactions.length !== 2) {
            throw new Error(`a transfer made ${last.transactions.length} transactions`);
        }
    }
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    return { seconds, hash: last.transactions[1].hash().toString('hex') };
}

async function main() {
    let transfers;
    for await (const line of readline.createInterface({ input: process.stdin })) {
        if (!transfers) {
            transfers = JSON.parse(line);
            continue;
        }
        let answer;
        try {
            answer = await run(transfers, Number(line));
        } catch (e) {
            answer = { error: String(e) };
        }
        console.log(JSON.stringify(answer));
    }
}

main();
