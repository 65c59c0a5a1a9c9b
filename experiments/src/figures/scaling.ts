/** The rate that is sustained against the number of workers (SuperServe, NSDI'25, section 6.4). */
import { toSvg } from '@slackline/plot';
import { type Device, onlySubnet } from '../cells/device.js';
import { v100 } from '../cells/devices.js';
import { environmentText } from '../cells/environment.js';
import type { Figure } from '../figure.js';
import { share, whole } from '../report/numbers.js';

const subnet = 'resnet18-v2';
/** Images that a client sends in one query; nothing is batched beyond that. */
const images = 8;
const wanted = 0.999;
const workerCounts = [1, 2, 4, 8, 16, 32];
/** Evenly spaced, as in the paper, and Poisson. */
const cv2s = [0, 1];

export const scaling: Figure = {
  name: 'scaling',
  title: 'Scaling with workers',
  summary: 'the rate that is sustained against the number of workers, one fixed network, batches of 8 from clients',
  async run(context) {
    const { sloMs, ...all } = v100();
    const device = ofWholeQueries(onlySubnet(all, subnet));
    const perQueryMs = device.subnets[0]?.p50Ms[0] ?? 0;
    const counts = context.quick ? [1, 2] : workerCounts;
    const queries = context.quick ? 300 : 50_000;
    const tasks = cv2s.flatMap((cv2) =>
      counts.map((workers) => ({
        cell: { device, workers, sloMs, policy: 'fixed:smallest', seed: context.seed },
        ...{ cv2, queries, wanted, above: (1.1 * workers * 1_000) / perQueryMs },
      })),
    );
    const found = await context.pool.map('sustained', tasks, (done) => context.progress(`${done} of ${tasks.length}`));
    const rate = (cv2: number, i: number) => images * (found[cv2s.indexOf(cv2) * counts.length + i]?.rate ?? 0);
    const rows = counts.map((workers, i) => ({ workers, constant: rate(0, i), poisson: rate(1, i) }));
    const bound = (workers: number) => (images * workers * 1_000) / perQueryMs;
    const efficiency = (key: 'constant' | 'poisson') => {
      const [first, last] = [rows[0], rows.at(-1)];
      return first && last ? last[key] / last.workers / (first[key] / first.workers) : 0;
    };
    const straightness = straight(rows.map(({ workers, constant }) => [workers, constant] as const));
    const most = rows.at(-1);
    const fit = { rSquared: straightness, lastOverFirstPerWorker: efficiency('constant') };
    return {
      figures: { subnet, images, wanted, sloMs, workers: rows, fit, paper: { imagesPerSecond: 33_000 } },
      report: {
        plots: {
          'scaling.svg': toSvg({
            title: 'Images a second that are sustained',
            x: { label: 'workers', min: 0 },
            y: { label: 'images a second', min: 0 },
            series: [
              {
                label: 'evenly spaced queries',
                mark: 'line+points',
                points: rows.map(({ workers, constant }) => [workers, constant] as const),
              },
              {
                label: 'Poisson',
                mark: 'line+points',
                shape: 'square',
                points: rows.map(({ workers, poisson }) => [workers, poisson] as const),
              },
              {
                label: 'what the devices compute when they never wait',
                mark: 'line',
                color: '#6e7781',
                points: counts.map((workers) => [workers, bound(workers)] as const),
              },
            ],
          }),
        },
        parts: [
          `Each query brings ${images} images, which run as one batch on ${subnet} (${perQueryMs} ms); nothing is batched ` +
            `beyond that. The highest rate at which ${wanted} of the queries are answered within ${sloMs} ms, in images a ` +
            'second. Simulated: one scheduler, with the delays named below and no cost of its own; what the scheduler itself ' +
            'carries is in docs/simulator.md and docs/performance.md.',
          { plot: 'scaling.svg', caption: 'Sustained rate against the number of workers' },
          {
            table: {
              head: ['workers', 'evenly spaced', 'Poisson', 'bound', 'evenly spaced / bound'],
              rows: rows.map(({ workers, constant, poisson }) => [
                String(workers),
                whole(constant),
                whole(poisson),
                whole(bound(workers)),
                share(constant / bound(workers), 3),
              ]),
            },
          },
          `Per worker, ${most?.workers ?? 0} workers sustain ${fit.lastOverFirstPerWorker.toFixed(3)} of what one does, evenly ` +
            `spaced, and ${efficiency('poisson').toFixed(3)} with Poisson arrivals, where many workers share the load of a ` +
            `burst. A straight line through all points explains ${share(straightness, 5)} of their variance. The paper reports ` +
            'about 33,000 images a second at the most workers it had, and a straight line too; its devices and its ' +
            'ResNet-18 are others, so that only the shape can be compared.',
          environmentText,
        ],
      },
    };
  },
};

/** A device for which a query of `images` images is one, and batches are of one query. */
function ofWholeQueries(device: Device): Device {
  const at = device.batches.indexOf(images);
  const only = (values: readonly number[]) => [values[at] ?? Number.POSITIVE_INFINITY];
  const subnets = device.subnets.map((each) => ({ ...each, p50Ms: only(each.p50Ms), p99Ms: only(each.p99Ms) }));
  return { ...device, batches: [1], subnets };
}

/** R² of the least-squares line. */
function straight(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const sum = (of: (dx: number, dy: number) => number) => points.reduce((all, [x, y]) => all + of(x - mx, y - my), 0);
  const [xx, yy, xy] = [sum((dx) => dx * dx), sum((_, dy) => dy * dy), sum((dx, dy) => dx * dy)];
  return xx * yy === 0 ? 1 : xy ** 2 / (xx * yy);
}
