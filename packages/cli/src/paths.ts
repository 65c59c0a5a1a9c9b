/** Where the things lie that the command hands to the services. */
import { resolve } from 'node:path';
import { inCheckout } from '@slackline/local';

/** Folder of the model that ships: its network, its subnets, its labelled sample. */
export const shippedModel = inCheckout('models/fashion');

/** Latency profiles between runs: one JSON file for each model and device class. The profiler's own variable moves it. */
export const profileDirectory = resolve(process.env.PROFILE_DIR ?? inCheckout('.cache/profiles'));
