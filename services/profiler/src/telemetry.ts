/** Tells whoever listens how far the profiler is. */
import { type Bus, type ProfilerTelemetry, pack, type Subjects } from '@slackline/shared';

export type Report = (progress: Omit<ProfilerTelemetry, 'v'>) => void;

/** A function that publishes progress on `telemetry.profiler`. */
export function reporter(bus: Bus, subjects: Subjects): Report {
  return (progress) => bus.publish(subjects.telemetry('profiler'), pack({ v: 1, ...progress }));
}
