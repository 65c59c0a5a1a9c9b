import type { Dispatcher, ModelBacklog } from '@slackline/scheduling';
import { type Bus, backlogReport, type Clock, Subjects, unpack } from '@slackline/shared';
import { expect, it } from 'vitest';
import { BacklogVoice } from './backlog-voice.js';
import type { HeldQuery } from './held-query.js';

it('tells of what takes hours, and of limits without end, in a report that can be read', () => {
  const said: Uint8Array[] = [];
  const part = { takesMs: 5_000_000, latestMs: 36, sloMs: 64 };
  const ahead = [{ takesMs: 7_000_000, latestMs: 99, sloMs: Number.POSITIVE_INFINITY, within: [part] }];
  const backlogs: ModelBacklog[] = [{ model: 'm', capacityPerMs: 0.001, ahead }];
  let act = () => {};
  const clock: Pick<Clock, 'after'> = {
    after: (_, callback) => {
      act = callback;
      return () => {};
    },
  };
  const voice = new BacklogVoice({ backlogs: () => backlogs } as Pick<Dispatcher<HeldQuery>, 'backlogs'>, {
    bus: { publish: (_: string, data: Uint8Array) => said.push(data) } as unknown as Bus,
    ...{ subjects: new Subjects(), clock: clock as Clock, everyMs: 100, now: () => 0, isSilent: () => false },
  });
  voice.start();
  act();
  const [first] = said.map((data) => unpack('backlog', backlogReport, data));
  expect(first?.models[0]?.low).toMatchObject({ takesMs: 3_600_000, within: [{ takesMs: 3_600_000 }] });
});
