interface Event {
    type: string;
    data: { details?: { type?: string } };
}

/** Ends with a line of JSON, as every target of the Makefile that yields figures. */
async function* figures(events: AsyncIterable<Event>) {
    let [tests, failed] = [0, 0];
    for await (const { type, data } of events) {
        if ((type === 'test:pass' || type === 'test:fail') && data.details?.type !== 'suite') {
            tests++;
            failed += type === 'test:fail' ? 1 : 0;
        }
    }
    yield JSON.stringify({ tests, failed }) + '\n';
}

export = figures;
