/**
 * Imported before ONNX Runtime, which reads this when it is loaded and would otherwise write telemetry files. A thread's
 * environment is a copy that native code does not see: a process that infers on a thread sets it in its main thread too.
 */
process.env.ORT_DISABLE_TELEMETRY ??= '1';

export {};
