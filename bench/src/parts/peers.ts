/** What a user would write instead: each peer, and Slackline with the same model and real inference, at the same rates. */
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { type Serving, startServing } from '@slackline/cli';
import { inCheckout } from '@slackline/local';
import { defaultPolicy } from '@slackline/scheduling';
import { type Contender, type StepAsked, type StepFigures, sloMs } from '../contender.js';
import { oneByOne, type PartContext, Skipped } from '../context.js';
import { peers } from '../peers/index.js';
import { answering } from '../slackline/system.js';
import { Stage } from '../stage.js';

const modelDir = inCheckout('models/fashion');
/**
 * Those up to 2,500/s are carried with any subnet, 5,000/s by none with the largest, on the machine of the results. In bursts: the most
 * uneven arrivals that the paper measures.
 */
const loads: readonly Omit<StepAsked, 'seconds'>[] = [
  { rate: 1_200 },
  { rate: 2_500 },
  { rate: 4_000 },
  { rate: 5_000 },
  { rate: 3_500, cv2: 8 },
];
const stepSeconds = 4;
/** Of one step, beside its own seconds; and of a contender, beside its steps. */
const marginSeconds = 0.7;
const startSeconds = 4;
/** Of a step; the warm-up is shorter than one. */
const warmUpShare = 0.5;
/** Pauses between the rates of a warm-up. */
const warmUpMarginSeconds = 1.2;
/** With less for each than this, only some kinds of peers are run: of the two HTTP servers the one that carries more. */
const comfortableSeconds = 20;
const strongest = ['fastify batches', 'pull workers'] as const;

/** A peer, or Slackline, under each load. */
export interface ComparedPeer {
  readonly name: string;
  readonly steps: readonly StepFigures[];
}

/** @throws Skipped where the model that ships is not there */
export async function comparedPeers(context: PartContext): Promise<ComparedPeer[]> {
  if (!existsSync(`${modelDir}/model.json`)) throw new Skipped('the model that ships is not in this checkout');
  const { time, say } = context;
  const all = [slacklineWithModel(), ...(await peers())];
  const contenders =
    time.left() / all.length >= comfortableSeconds ? all : [slacklineWithModel(), ...(await peers(strongest))];
  // The same load for all: each has the time that the first one has, or less where the time runs short.
  let seconds = stepSeconds;
  return oneByOne(contenders, context, async (contender, place) => {
    const share = time.left() / (contenders.length - place);
    if (share < startSeconds / 2) {
      say(`no time for ${contenders.length - place} of ${contenders.length} peers`);
      return undefined;
    }
    const fitting = Math.max(
      1,
      (share - startSeconds - warmUpMarginSeconds) / (loads.length + warmUpShare) - marginSeconds,
    );
    seconds = Math.min(seconds, Math.floor(10 * fitting) / 10);
    return onePeer(contender, seconds, context);
  });
}

async function onePeer(contender: Contender, seconds: number, { say, signal, pace }: PartContext) {
  say(`peers: ${contender.name}`);
  const running = await contender.start({ storage: 'memory', payloadBytes: 784, signal });
  try {
    const stage = new Stage({ name: contender.name, running, say, signal, pace, steps: [] });
    await stage.warmUp(loads[0]?.rate ?? 1, warmUpShare * seconds);
    const steps: StepFigures[] = [];
    for (const load of loads) steps.push(await stage.step('step', { ...load, seconds }));
    return { name: contender.name, steps };
  } finally {
    await running.stop();
  }
}

/** The system as `npm start` starts it: one worker for each core, the model that ships, real inference. */
function slacklineWithModel(): Contender {
  return {
    name: 'slackline',
    async start({ signal }) {
      const choices = {
        ...{ workers: cpus().length, executor: 'cpu' as const, model: modelDir, policy: defaultPolicy },
        ...{ restore: false, json: false },
      };
      const listener = { onProgress: () => {}, onNote: () => {} };
      const serving: Serving = await startServing(choices, listener, signal);
      return answering({
        ...{ system: serving.system, signal },
        model: { entry: serving.model, modelDir, sloMs },
        subjectPrefix: serving.subjects.prefix,
        stop: () => serving.stop(),
      });
    },
  };
}
