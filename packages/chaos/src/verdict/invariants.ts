/** What holds whatever is done to a system, each with what shows it. */
import { counted } from '../count.js';
import { type Account, accountOf } from './account.js';
import { bending } from './bending.js';
import type { Evidence } from './evidence.js';
import type { Invariant } from './invariant.js';
import type { MeasuredFault } from './measures.js';

export function invariantsOf(evidence: Evidence, account = accountOf(evidence), faults: readonly MeasuredFault[] = []) {
  return [
    oneOutcome(evidence, account),
    noDuplicates(evidence, account),
    faultsTold(evidence, faults),
    bending(evidence),
  ];
}

const named = 5;
const some = (ids: readonly string[]) => {
  const more = ids.length > named ? `, and ${ids.length - named} more` : '';
  return `${ids.slice(0, named).join(', ')}${more}`;
};

/** 1. accepted = ok + late + expired + failed, each exactly once; nothing else has an outcome. */
function oneOutcome({ queries, witnessed, faults }: Evidence, account: Account): Invariant {
  const { accepted, acceptedBy, counts, lost, lostIds, missed, neverAccepted, left, contradicted } = account;
  const { ok, late, expired, failed, refused, unanswered } = counts;
  const ended = ok + late + expired + failed;
  const lines = [
    `accepted ${accepted} (by the ${acceptedBy}) = ok ${ok} + late ${late} + expired ${expired} + failed ${failed}` +
      (accepted === ended ? '' : ` + ${accepted - ended}`),
    `sent ${queries.length} = ${ended} with an outcome + refused ${refused} + without any word ${unanswered}`,
  ];
  const wrong: string[] = [];
  if (accepted === 0) wrong.push('nothing was accepted: this run shows nothing');
  if (lost > 0) wrong.push(`${lost} accepted and lost${lostIds.length > 0 ? ` (published: ${some(lostIds)})` : ''}`);
  if (ended > accepted) wrong.push(`${ended - accepted} more outcomes than accepted queries`);
  if (neverAccepted.length > 0)
    wrong.push(`an outcome for what was never published to the stream: ${some(neverAccepted)}`);
  if (left === null) wrong.push('at the end the broker could not be asked what its stream still holds');
  else if (left > 0) wrong.push(`${left} still in the stream at the end`);
  if (contradicted.length > 0) wrong.push(`refused, and an outcome too: ${some(contradicted)}`);
  if (lost > 0 && acceptedBy === 'witness' && faults.some(({ planned }) => planned.role === 'nats')) {
    wrong.push('the broker forgot its streams: with STORAGE=memory nothing is promised beyond its end');
  }
  if (missed.length > 0) {
    lines.push(
      `${missed.length} of them were said while the producer had no connection; the witness heard them: ${some(missed)}`,
    );
  }
  if (witnessed.gaps.length > 0) {
    const ms = witnessed.gaps.reduce((sum, gap) => sum + gap.untilMs - gap.fromMs, 0);
    lines.push(`the witness was cut off ${witnessed.gaps.length} times, ${Math.round(ms)} ms in all`);
  }
  return {
    name: 'every accepted query has exactly one outcome',
    state: stateOf(wrong),
    evidence: [...wrong, ...lines],
  };
}

/** 2. A producer sees one end of a query, whatever was executed twice. */
function noDuplicates({ faults }: Evidence, account: Account): Invariant {
  const { duplicatesVisible, secondReplies, dispatchedTwice, executedTwice } = account;
  const wrong: string[] = [];
  if (duplicatesVisible > 0) wrong.push(`${duplicatesVisible} queries were ended twice in their producer’s eyes`);
  // Only a leader that is gone between answer and ack may be the reason for a second answer on the wire.
  const mayRepeat = faults.some(({ planned: { role } }) => role === 'scheduler' || role === 'nats');
  if (secondReplies > 0 && !mayRepeat)
    wrong.push(`${secondReplies} second answers on the wire, and no leader was lost`);
  const lines = [
    `visible to producers twice: ${duplicatesVisible}; second answers on the wire, dropped by the client: ${secondReplies}`,
    `queries sent to workers more than once: ${dispatchedTwice}; run more than once: ${executedTwice}`,
  ];
  return { name: 'no duplicate is visible', state: stateOf(wrong), evidence: [...wrong, ...lines] };
}

/** 3. Every fault was really done, and the system went on after it. */
function faultsTold({ plan, faults }: Evidence, measures: readonly MeasuredFault[]): Invariant {
  const name = 'after each fault the system goes on';
  if (plan.length === 0) return { name, state: 'untested', evidence: ['no fault was planned'] };
  const wrong = faults.flatMap(({ planned, error }) =>
    error === null ? [] : [`${planned.kind} ${planned.role} at ${planned.atMs} ms could not be done: ${error}`],
  );
  if (faults.length < plan.length) wrong.push(`not done: ${counted(plan.length - faults.length, 'planned fault')}`);
  const stuck = measures.filter(({ recoveryMs, fault }) => recoveryMs === null && fault.error === null);
  for (const { fault } of stuck) {
    wrong.push(
      `after ${fault.planned.kind} ${fault.victim} at ${Math.round(fault.atMs)} ms attainment never came back`,
    );
  }
  const felt = measures.filter(({ recoveryMs }) => recoveryMs !== null && recoveryMs > 0).length;
  return {
    name,
    state: stateOf(wrong),
    evidence: [...wrong, `${counted(faults.length, 'fault')} done; producers felt ${felt + stuck.length} of them`],
  };
}

const stateOf = (wrong: readonly string[]): Invariant['state'] => (wrong.length === 0 ? 'pass' : 'fail');
