// The market that is asked: the one that OPENAI_BASE_URL and OPENAI_API_KEY name, or
// else one of this run's own, by `cocoon up`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../../bin/cocoon', import.meta.url));

/** Resolves to { baseURL, apiKey, model, stop }; stop ends a market that was started here. */
export async function market() {
  const { OPENAI_BASE_URL: baseURL, OPENAI_API_KEY: apiKey, COCOON_MODEL: model } = process.env;
  if (baseURL) return { baseURL, apiKey, model, stop: async () => {} };
  const up = spawn(binary, ['up', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(up, 'exit');
  let openai;
  for await (const line of createInterface({ input: up.stdout })) {
    const event = JSON.parse(line);
    if (event.event === 'openai') openai = event;
    if (event.name !== 'serving') continue; // the story is being told
    up.stdout.resume(); // a pipe that nobody reads keeps this process alive
    return {
      baseURL: openai.base_url,
      apiKey: openai.api_key,
      model: 'Qwen/Qwen3-32B',
      stop: async () => {
        up.kill('SIGINT');
        await ended;
      },
    };
  }
  throw new Error(`cocoon up ended before it served: ${await ended}`);
}
