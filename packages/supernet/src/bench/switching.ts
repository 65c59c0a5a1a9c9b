/** What a change of subnet costs when its weights are made anew, and what loading the subnet's own session would. */
import { extract } from '../extract.js';
import { writeModel } from '../onnx/write.js';
import { openSession } from '../ort.js';
import { SupernetSession } from '../runtime/session.js';
import { median, pixels, timed } from './measure.js';
import { inputOf, type ServedModel } from './served.js';

const WARM_UP_ROUNDS = 3;

/** Medians in milliseconds. */
export interface Switch {
  readonly subnet: string;
  readonly switchMs: number;
  readonly loadMs: number;
  readonly loadOverSwitch: number;
}

/** Before each switch another subnet runs, as in service. Sessions are loaded from bytes in memory. */
export async function measureSwitches(
  { supernet, subnets }: ServedModel,
  rounds: number,
  progress: (done: number, total: number) => void,
): Promise<Switch[]> {
  const session = await SupernetSession.open(supernet, subnets, { actuatedBytes: 0 });
  const data = pixels(inputOf(supernet).perRow);
  const files = subnets.map(({ config, statistics }) => writeModel(extract(supernet, config, statistics)));
  const times = subnets.map(() => ({ switch: [] as number[], load: [] as number[] }));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    progress(Math.max(0, round), rounds);
    for (const [index, file] of files.entries()) {
      session.actuate((index + 1 + (Math.abs(round) % Math.max(1, subnets.length - 1))) % subnets.length);
      await session.run(data, 1);
      const switchMs = session.actuate(index);
      const loadMs = await timed(async () => (await openSession(file)).release());
      if (round < 0) continue;
      times[index]?.switch.push(switchMs);
      times[index]?.load.push(loadMs);
    }
  }
  await session.release();
  return subnets.map(({ id }, index) => {
    const [switchMs, loadMs] = [median(times[index]?.switch ?? []), median(times[index]?.load ?? [])];
    return { subnet: id, switchMs, loadMs, loadOverSwitch: loadMs / switchMs };
  });
}
