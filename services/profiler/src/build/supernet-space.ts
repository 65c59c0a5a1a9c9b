/** A supernet as a space to search: genomes are configurations, costs and features are counted once for each. */
import { canonicalConfig, type SubnetConfig, type Supernet, subnetId } from '@slackline/supernet';
import type { Features } from '../search/additive-model.js';
import { type Genome, keyOf, type Space } from '../search/space.js';
import { CostModel } from './cost.js';

/** A subnet with what is counted of it. */
export interface Candidate {
  genome: Genome;
  id: string;
  config: SubnetConfig;
  /** Multiply-accumulate operations for one row. */
  macs: number;
  /** Amounts of work that its latency is predicted from. */
  work: Features;
}

export class SupernetSpace implements Space {
  readonly choices: readonly number[];
  readonly #supernet: Supernet;
  readonly #costs: CostModel;
  readonly #canonical = new Map<string, Genome>();
  readonly #candidates = new Map<string, Candidate>();

  constructor(supernet: Supernet) {
    this.#supernet = supernet;
    this.#costs = new CostModel(supernet);
    this.choices = supernet.groups.map(({ sizes }) => sizes.length);
  }

  /** Configurations in all, also those that mean the same subnet. */
  get size(): number {
    return this.choices.reduce((product, count) => product * count, 1);
  }

  canonical = (genome: Genome): Genome => {
    const key = keyOf(genome);
    const known = this.#canonical.get(key) ?? this.genomeOf(canonicalConfig(this.#supernet, this.#config(genome)));
    this.#canonical.set(key, known);
    return known;
  };

  /** What a canonical genome stands for. */
  candidate(genome: Genome): Candidate {
    const key = keyOf(genome);
    const known = this.#candidates.get(key) ?? this.#count(genome);
    this.#candidates.set(key, known);
    return known;
  }

  genomeOf(config: SubnetConfig): Genome {
    return this.#supernet.groups.map(({ name, sizes }) => Math.max(0, sizes.indexOf(config[name] ?? 0)));
  }

  #config(genome: Genome): SubnetConfig {
    return Object.fromEntries(this.#supernet.groups.map(({ name, sizes }, i) => [name, sizes[genome[i] ?? 0] ?? 0]));
  }

  #count(genome: Genome): Candidate {
    const config = this.#config(genome);
    return { genome, id: subnetId(this.#supernet, config), config, ...this.#costs.costOf(config) };
  }
}
