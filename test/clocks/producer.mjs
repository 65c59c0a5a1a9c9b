/**
 * A producer in a process of its own, so that it can have a clock of its own: sends queries with relative limits and with absolute
 * deadlines in the broker's time, and tells its parent what became of each.
 */
import { connect } from '@slackline/client';
import { BrokerTime, connectBus, createLog, Subjects, systemClock } from '@slackline/shared';

const [url, model] = process.argv.slice(2);
const row = new Uint8Array(784);
const bus = await connectBus({ url, name: 'clock' });
const brokerTime = new BrokerTime(bus, new Subjects(''), systemClock, createLog('producer', 'silent'));
await brokerTime.start();
const client = await connect({ url });

const answers = [];
for (let i = 0; i < 20; i += 1) {
  const relative = await client.infer(model, row, { sloMs: 10_000 });
  const deadline = brokerTime.nowMs() + 10_000;
  const absolute = await client.infer(model, row, { deadline });
  answers.push(outcomeOf(relative), outcomeOf(absolute));
}
const past = await client.infer(model, row, { deadline: brokerTime.nowMs() - 1_000 });
const wallOffMs = Date.now() - brokerTime.nowMs();
process.send({ answers, past: outcomeOf(past), wallOffMs });
await client.close();
await brokerTime.stop();
await bus.close();

function outcomeOf(answer) {
  return answer.outcome === 'refused' ? answer.code : answer.outcome;
}
