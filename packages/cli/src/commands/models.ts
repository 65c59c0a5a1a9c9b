/** `models`: what a running system serves; one model in detail; a model taken away, or measured anew. */
import { remeasureReply, removeReply, requestReply } from '@slackline/shared';
import { withConnection } from '../connection.js';
import { CommandError } from '../errors.js';
import type { ModelsChoices, ProfileChoices, ShowChoices } from '../model-options.js';
import { modelIn, readCatalog } from '../models/catalog.js';
import { listDocument, listText } from '../models/list.js';
import { showSvg, showText } from '../models/show.js';
import { withAdvice } from '../submission/advice.js';
import { writePlot } from '../write-plot.js';

/** Taking a model away may have to end a build first. */
const requestLimitMs = 60_000;

export async function listCommand({ nats, json }: ModelsChoices): Promise<void> {
  await withConnection(nats, async (system) => {
    const catalog = await readCatalog(system);
    print(json ? listDocument(catalog) : listText(catalog));
  });
}

export async function showCommand(name: string, { nats, json, svg }: ShowChoices): Promise<void> {
  await withConnection(nats, async (system) => {
    const model = modelIn(await readCatalog(system), name);
    if (svg !== undefined) {
      if (model.profiles.length === 0)
        throw new CommandError(`The latency of ${name} is not known yet.`, { code: 'no_latency' });
      await writePlot(svg, showSvg(model));
    }
    print(json ? { model: model.entry, profiles: model.profiles } : showText(model));
  });
}

export async function removeCommand(name: string, { nats, json }: ModelsChoices): Promise<void> {
  await withConnection(nats, async ({ bus, subjects }) => {
    const reply = { kind: 'remove reply', schema: removeReply, timeoutMs: requestLimitMs };
    const asked = requestReply(bus, subjects.profiler('remove'), { v: 1, name } as { v: 1 }, reply);
    const { model, submission } = await withAdvice(asked);
    const what = [model && 'the model', submission && 'its submission'].filter((each) => each !== false);
    print(json ? { name, model, submission } : `Removed ${what.join(' and ')} ${name}.\n`);
  });
}

export async function profileCommand(name: string, { nats, json, deviceClass }: ProfileChoices): Promise<void> {
  await withConnection(nats, async ({ bus, subjects }) => {
    const request = { v: 1 as const, name, ...(deviceClass !== undefined && { deviceClass }) };
    const reply = { kind: 'measure reply', schema: remeasureReply, timeoutMs: requestLimitMs };
    const { deviceClasses } = await withAdvice(requestReply(bus, subjects.profiler('measure'), request, reply));
    const text = `Measuring ${name} anew on ${deviceClasses.join(', ')}; what was measured before stands until then.\n`;
    print(json ? { name, deviceClasses } : text);
  });
}

function print(result: object | string): void {
  process.stdout.write(typeof result === 'string' ? result : `${JSON.stringify(result)}\n`);
}
