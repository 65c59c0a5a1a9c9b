import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { emulatedDevices } from './emulated.js';
import { checkModel } from './fitting.js';
import { shippedModel } from './paths.js';

const here = fileURLToPath(import.meta.url);

it('takes a folder for --model, and nothing else', async () => {
  await expect(checkModel(shippedModel)).resolves.toBeUndefined();
  const wrong = { code: 'invalid_option', exitCode: 2 };
  await expect(checkModel('/nowhere')).rejects.toMatchObject({
    ...wrong,
    message: expect.stringMatching(/--model .*\/nowhere does not exist/),
  });
  await expect(checkModel(here)).rejects.toMatchObject({ ...wrong, message: expect.stringMatching(/is no folder/) });
});

it('takes latency profiles for --device-profile, and nothing else', async () => {
  const wrong = { code: 'invalid_option', exitCode: 2 };
  await expect(emulatedDevices('fashion', ['/nowhere.json'])).rejects.toMatchObject({
    ...wrong,
    message: expect.stringMatching(/does not exist/),
  });
  await expect(emulatedDevices('fashion', [here])).rejects.toMatchObject({
    ...wrong,
    message: expect.stringMatching(/cannot be read as JSON/),
  });
});
