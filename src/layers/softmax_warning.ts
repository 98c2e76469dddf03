import { LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';

type Layer = SymbolicTensor['sourceLayer'];

/** Warns where a model ends in a softmax: its output is then probabilities, which taken for logits make everything nearly uniform. */
export function warnOfSoftmax(model: object, role: 'teacher' | 'student', advice: string): void {
  const found = model instanceof LayersModel ? softmaxLayers(model) : softmaxNodes(model);
  for (const softmax of found) {
    console.warn(`Distiller: the ${role} ends in a softmax, ${softmax}, but logits are expected; ${advice}.`);
  }
}

function softmaxLayers(model: LayersModel): string[] {
  return model.outputs
    .map(({ sourceLayer }) => softmaxLayer(sourceLayer))
    .filter((layer) => layer !== null)
    .map(({ name }) => `layer '${name}' of '${model.name}'`);
}

/** The layer that makes probabilities of logits at the end of `layer`, if there is one. */
function softmaxLayer(layer: Layer): Layer | null {
  if (layer instanceof LayersModel) return softmaxLayer(layer.outputs[0].sourceLayer);
  const wrapped = 'layer' in layer ? (layer.layer as Layer) : null; // TimeDistributed
  if (wrapped !== null) return softmaxLayer(wrapped);
  if (layer.getClassName() === 'Softmax') return layer;
  return layer.getConfig().activation === 'softmax' ? layer : null;
}

/** Of a tf.GraphModel, whose graph is private, so that nothing is taken for granted: what does not look like its nodes is no softmax. */
function softmaxNodes(model: object): string[] {
  const outputs = property(property(property(model, 'executor'), 'graph'), 'outputs');
  if (!Array.isArray(outputs)) return [];
  return outputs
    .map(throughIdentities)
    .filter((node) => property(node, 'op') === 'Softmax')
    .map((node) => `node '${property(node, 'name')}' of a graph model`);
}

/** A saved TensorFlow model ends in one or more nodes of the op Identity. */
function throughIdentities(node: unknown): unknown {
  const inputs = property(node, 'inputs');
  const isIdentity = property(node, 'op') === 'Identity' && Array.isArray(inputs) && inputs.length > 0;
  return isIdentity ? throughIdentities(inputs[0]) : node;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
