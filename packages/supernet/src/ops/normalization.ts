/** Normalizations with learned scale and shift. */
import { attribute, constantInput, describe, type OpHandler, unsupported } from './handler.js';

export const batchNormalization: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  if (attribute(node, 'training_mode', 'int', 0) !== 0) throw unsupported(node, 'it is in training mode');
  for (const index of [1, 2, 3, 4]) {
    const { dims } = constantInput(node, index, follower);
    if (dims.length !== 1 || dims[0] !== info.channels.full) {
      throw unsupported(
        node,
        `its parameter ${node.inputs[index]} has shape [${dims}] and its input ${describe(info.channels)} channels`,
      );
    }
    follower.cut(node, index, [{ axis: 0, extent: info.channels }]);
  }
  follower.produce(node.outputs[0], info);
  return node;
};
