// OpenAI's client for Node, with nothing changed but base URL and key, which it reads
// from OPENAI_BASE_URL and OPENAI_API_KEY: `make test-market` starts a market whose
// models are those of cli/e2e.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { APIError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError } from 'openai';

const client = new OpenAI();
const model = 'lab/chat';

const ask = (text, more) => ({ model, messages: [{ role: 'user', content: text }], ...more });

/** A fetch that counts what the client sends. */
function counted(inner = fetch) {
  const tries = [];
  const counting = async (url, init) => {
    tries.push(new Headers(init.headers).get('x-stainless-retry-count'));
    return inner(url, init);
  };
  return { tries, fetch: counting };
}

test('chat, whole: choices, log probabilities, a seed, the price', async () => {
  const body = ask('What becomes of a caterpillar?', { n: 2, seed: 7, logprobs: true, top_logprobs: 2 });
  const answer = await client.chat.completions.create(body);
  assert.equal(answer.choices.length, 2);
  assert.match(answer.choices[0].message.content, /not a language model/);
  assert.equal(answer.choices[1].logprobs.content[0].top_logprobs.length, 2);
  assert.match(answer.usage.cost_nano, /^[1-9][0-9]*$/);
  const again = await client.chat.completions.create(body);
  assert.equal(again.choices[0].message.content, answer.choices[0].message.content);
  const other = await client.chat.completions.create({ ...body, seed: 8 });
  assert.notEqual(other.choices[0].message.content, answer.choices[0].message.content);
});

test('a stream: a role first, usage once, at the end', async () => {
  const stream = await client.chat.completions.create(ask('And then?', { stream: true, stream_options: { include_usage: true } }));
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.ok(chunks.length > 20, 'token by token');
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.deepEqual(chunks.filter((c) => c.usage).length, 1);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.ok(chunks.at(-1).usage.completion_tokens > 20);
});

test('a stream without usage has none', async () => {
  for await (const chunk of await client.chat.completions.create(ask('x', { stream: true }))) assert.equal(chunk.usage, undefined);
});

test('the stream helper puts an answer together', async () => {
  const runner = client.chat.completions.stream(ask('Helped', { seed: 3 }));
  let text = '';
  runner.on('content', (delta) => (text += delta));
  const last = await runner.finalChatCompletion();
  const whole = await client.chat.completions.create(ask('Helped', { seed: 3 }));
  assert.equal(last.choices[0].message.content, whole.choices[0].message.content);
  assert.equal(text, whole.choices[0].message.content);
});

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const tools = ['weather', 'clock'].map((name) => ({ type: 'function', function: { name, parameters } }));

test('tools: two calls at once, whole and streamed', async () => {
  const body = ask('What do weather and clock say?', { tools, parallel_tool_calls: true });
  const whole = await client.chat.completions.create(body);
  const streamed = await client.chat.completions.stream(body).finalChatCompletion();
  for (const answer of [whole, streamed]) {
    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
    const calls = answer.choices[0].message.tool_calls;
    assert.deepEqual(calls.map((c) => c.function.name), ['weather', 'clock']);
    for (const c of calls) assert.equal(typeof JSON.parse(c.function.arguments).city, 'string');
  }
});

test('a schema is kept', async () => {
  const schema = { type: 'object', properties: { city: { type: 'string' }, people: { type: 'integer', minimum: 3 } }, required: ['city', 'people'], additionalProperties: false };
  const answer = await client.chat.completions.create(ask('Name a city.', { response_format: { type: 'json_schema', json_schema: { name: 'city', schema, strict: true } } }));
  const city = JSON.parse(answer.choices[0].message.content);
  assert.equal(typeof city.city, 'string');
  assert.ok(city.people >= 3);
});

test('embeddings: base64 by default on the wire, numbers for the caller', async () => {
  const bodies = [];
  const watching = new OpenAI({ fetch: (url, init) => (bodies.push(JSON.parse(init.body)), fetch(url, init)) });
  const input = ['caterpillar', 'butterfly'];
  const coded = await watching.embeddings.create({ model, input });
  assert.equal(bodies[0].encoding_format, 'base64');
  const floats = await client.embeddings.create({ model, input, encoding_format: 'float' });
  assert.equal(floats.data[1].embedding.length, 8);
  assert.deepEqual([...coded.data[1].embedding], floats.data[1].embedding.map(Math.fround));
});

test('models are listed, and named', async () => {
  const names = [];
  for await (const m of client.models.list()) names.push(m.id);
  assert.ok(names.includes(model));
  const one = await client.models.retrieve(model);
  assert.equal(one.id, model);
  assert.ok(one.workers > 0);
});

test('completions', async () => {
  const answer = await client.completions.create({ model, prompt: 'one', max_tokens: 5 });
  assert.equal(answer.choices[0].finish_reason, 'length');
  assert.equal(answer.usage.completion_tokens, 5);
});

test('errors have their class and code, and are not repeated', async () => {
  for (const [options, body, sort, code] of [
    [{ apiKey: 'sk-cocoon-unknown' }, ask('x'), AuthenticationError, 'invalid_api_key'],
    [{}, { ...ask('x'), model: 'lab/unknown' }, NotFoundError, 'model_not_found'],
    [{}, ask('x', { n: -1 }), BadRequestError, 'invalid_request'],
  ]) {
    const { tries, fetch } = counted();
    const c = new OpenAI({ fetch, ...options });
    await assert.rejects(c.chat.completions.create(body), (e) => e instanceof sort && e.code === code && typeof e.type === 'string');
    assert.equal(tries.length, 1, code);
  }
});

test('leaving a stream is no error, and the next request is answered', async () => {
  const stream = await client.chat.completions.create(ask('x', { stream: true }));
  for await (const _ of stream) break;
  const aborted = new AbortController();
  const other = await client.chat.completions.create(ask('x', { stream: true }), { signal: aborted.signal });
  aborted.abort();
  for await (const _ of other) assert.fail('an aborted stream goes on');
  assert.ok((await client.chat.completions.create(ask('x'))).choices[0].message.content);
});

test('eight equal requests get eight answers', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, () => client.chat.completions.create(ask('eight')).withResponse()));
  assert.equal(new Set(all.map((a) => a.response.headers.get('x-cocoon-request'))).size, 8);
});

test('an answer that was asked for twice by one Idempotency-Key is one', async () => {
  const headers = { 'Idempotency-Key': `node-${process.pid}` };
  const [one, two] = [await client.chat.completions.create(ask('once'), { headers }), await client.chat.completions.create(ask('once'), { headers })];
  assert.deepEqual(two, one);
});

test('an answer that is cut is an error, never a fake end', async () => {
  const { tries, fetch } = counted();
  const c = new OpenAI({ fetch });
  let came = 0;
  await assert.rejects(
    async () => {
      for await (const _ of await c.chat.completions.create(ask('x', { model: 'lab/cut', stream: true }))) came++;
    },
    (e) => e instanceof APIError && e.code === 'engine_error',
  );
  assert.ok(came > 0);
  await assert.rejects(c.chat.completions.create(ask('x', { model: 'lab/cut' })), (e) => e instanceof InternalServerError && e.code === 'engine_error');
  assert.equal(tries.length, 2, 'what was billed is not repeated');
});

test('what costs nothing is tried three times', async () => {
  const { tries, fetch } = counted();
  const c = new OpenAI({ fetch });
  await assert.rejects(c.chat.completions.create(ask('x', { model: 'lab/full' })), (e) => e instanceof InternalServerError && e.code.length > 0);
  assert.deepEqual(tries, ['0', '1', '2']);
});

test('unusual events are read all the same', async () => {
  const answer = await client.chat.completions.stream(ask('x', { model: 'lab/odd' })).finalChatCompletion();
  assert.match(answer.choices[0].message.content, /not a language model/);
});

// A daemon that gives signs of life ten times a second, and whose channel holds little.
const brief = { baseURL: process.env.BRIEF_BASE_URL, apiKey: process.env.BRIEF_API_KEY };

test('signs of life before the first token are read past', async () => {
  let raw = '';
  const watched = async (url, init) => {
    const answer = await fetch(url, init);
    const [ours, theirs] = answer.body.tee();
    (async () => {
      for await (const part of ours.pipeThrough(new TextDecoderStream())) raw += part;
    })();
    return new Response(theirs, answer);
  };
  const answer = await new OpenAI({ ...brief, fetch: watched }).chat.completions.stream(ask('x', { model: 'lab/dull' })).finalChatCompletion();
  assert.match(answer.choices[0].message.content, /not a language model/);
  assert.match(raw, /^: keep-alive\n\n/);
});

test('want of money is told by its code, once', async () => {
  const { tries, fetch } = counted();
  const asked = new OpenAI({ ...brief, fetch }).chat.completions.create(ask('x', { n: 128 }));
  await assert.rejects(asked, (e) => e instanceof APIError && e.status === 402 && e.code === 'voucher_required');
  assert.equal(tries.length, 1);
});
