/** Whether tests that start real processes can run here. */
import { findNatsBinary } from '@slackline/local';

export const hasNats = await findNatsBinary({}).then(
  () => true,
  () => false,
);
