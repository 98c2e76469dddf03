import { LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';

type Layer = SymbolicTensor['sourceLayer'];

/** Warns where a model ends in a softmax: its output is then probabilities, which taken for logits make everything nearly uniform. */
export function warnOfSoftmax(model: object, role: 'teacher' | 'student', advice: string): void {
  if (!(model instanceof LayersModel)) return;
  for (const output of model.outputs) {
    const layer = softmaxLayer(output.sourceLayer);
    if (layer === null) continue;
    console.warn(
      `Distiller: the ${role} '${model.name}' ends in a softmax, layer '${layer.name}', but logits are expected; ${advice}.`,
    );
  }
}

/** The layer that makes probabilities of logits at the end of `layer`, if there is one. */
function softmaxLayer(layer: Layer): Layer | null {
  if (layer instanceof LayersModel) return softmaxLayer(layer.outputs[0].sourceLayer);
  const wrapped = 'layer' in layer ? (layer.layer as Layer) : null; // TimeDistributed
  if (wrapped !== null) return softmaxLayer(wrapped);
  if (layer.getClassName() === 'Softmax') return layer;
  return layer.getConfig().activation === 'softmax' ? layer : null;
}
