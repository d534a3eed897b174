import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What a file of ../scenarios holds; its README.md describes the fields. */
export interface Scenario {
    name: string;
    shows: string;
    config: { file: string; hash: string; global_version: number };
    accounts: Record<string, string>;
    steps: Step[];
}

export interface Step {
    op: string;
    account: string;
    now: number;
    lt: string;
    message: string;
    expect: Expected;
}

export interface Expected {
    hash?: string;
    exit: number;
    action: number;
    gas: number;
    out?: string[];
}

/** Names of scenarios that this executor plays otherwise, and why. */
export type Exceptions = Record<string, string>;

const dir = join(__dirname, '../../../scenarios');

export function readScenarios(): Scenario[] {
    const files = readdirSync(dir).filter((file) => file.endsWith('.json'));
    return files.sort().map((file) => {
        const scenario: Scenario = JSON.parse(readFileSync(join(dir, file), 'utf8'));
        if (scenario.name !== basename(file, '.json')) {
            throw new Error(`${file} names ${scenario.name}`);
        }
        return scenario;
    });
}

/** A BoC in base64. */
export function readConfig(file: string): string {
    return readFileSync(join(dir, file), 'utf8').trim();
}

export function readExceptions(): Exceptions {
    return JSON.parse(readFileSync(join(dir, 'exceptions/sandbox.json'), 'utf8'));
}
