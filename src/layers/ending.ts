import { LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';

/** What a model makes of its last numbers, so that its output is not logits. */
export type LastOp = 'softmax' | 'sigmoid' | 'another saturating activation';

/** A model that ends in something else than logits. */
export interface Ending {
  op: LastOp;
  /** Which layer or node does it: `layer 'dense_1' of 'model'`, `node 'Softmax' of the graph model`. */
  where: string;
  /** Graph models only: the node whose output are the numbers before it. */
  nodeBefore: string | null;
}

/** Activations by what tfjs-layers calls them. */
const ACTIVATIONS: Readonly<Record<string, LastOp>> = {
  softmax: 'softmax',
  sigmoid: 'sigmoid',
  hardSigmoid: 'another saturating activation',
  hard_sigmoid: 'another saturating activation',
  tanh: 'another saturating activation',
  softsign: 'another saturating activation',
  relu6: 'another saturating activation',
};

/** Layers that change no number, or only where numbers stand: what comes before them is what comes out. */
const TRANSPARENT_LAYERS = new Set([
  'Reshape',
  'Flatten',
  'Permute',
  'Dropout',
  'SpatialDropout1D',
  'GaussianDropout',
  'AlphaDropout',
  'GaussianNoise',
  'RepeatVector',
  'Masking',
  'InputLayer',
]);

/** What graph models call them. */
const NODES: Readonly<Record<string, LastOp>> = {
  Softmax: 'softmax',
  Sigmoid: 'sigmoid',
  Tanh: 'another saturating activation',
  Softsign: 'another saturating activation',
  Relu6: 'another saturating activation',
};

const TRANSPARENT_NODES = new Set([
  'Identity',
  'IdentityN',
  'Reshape',
  'Squeeze',
  'ExpandDims',
  'Transpose',
  'Cast',
  'StopGradient',
  'PreventGradient',
  'CheckNumerics',
  'Snapshot',
]);

/** How a model ends if it is not in logits, as far as that can be seen without running it: layers and nodes that only pass numbers on are looked through. */
export function endingOf(model: object): Ending | null {
  return model instanceof LayersModel ? endingOfLayers(model) : endingOfGraph(model);
}

type Layer = SymbolicTensor['sourceLayer'];

function endingOfLayers(model: LayersModel): Ending | null {
  const found = model.outputs.map((output) => endingOfTensor(output, model.name)).find((end) => end !== null);
  return found ?? null;
}

/** Of what comes out of a layer: `modelName` is the model that the layer belongs to. */
function endingOfTensor(tensor: SymbolicTensor, modelName: string): Ending | null {
  const { sourceLayer: layer } = tensor;
  if (layer instanceof LayersModel) return endingOfLayers(layer);
  const op = lastOpOf(layer);
  if (op !== null) return { op, where: `layer '${layer.name}' of '${modelName}'`, nodeBefore: null };
  const before = TRANSPARENT_LAYERS.has(layer.getClassName()) ? tensor.inputs : [];
  if (before.length === 1) return endingOfTensor(before[0], modelName);
  if (layer.getClassName() !== 'Average') return null;
  // The mean of distributions is one: an ensemble in one model.
  const endings = tensor.inputs.map((input) => endingOfTensor(input, modelName));
  return endings.every((ending) => ending !== null) ? (endings[0] ?? null) : null;
}

function lastOpOf(layer: Layer): LastOp | null {
  const wrapped = 'layer' in layer ? (layer.layer as Layer) : null; // TimeDistributed
  if (wrapped instanceof LayersModel) return endingOfLayers(wrapped)?.op ?? null;
  if (wrapped !== null) return lastOpOf(wrapped);
  switch (layer.getClassName()) {
    case 'Softmax':
      return 'softmax';
    case 'LSTM':
    case 'GRU':
    case 'SimpleRNN':
    case 'ConvLSTM2D':
      return null; // their activation is not all that comes after the last product
    default: {
      const { activation } = layer.getConfig();
      return typeof activation === 'string' && Object.hasOwn(ACTIVATIONS, activation)
        ? ACTIVATIONS[activation]
        : null;
    }
  }
}

/** A node of a graph model, as far as it is used here. */
interface GraphNode {
  op: string;
  name: string;
  inputs: GraphNode[];
}

/** The graph of a tf.GraphModel is private, so that nothing is taken for granted: what does not look like its nodes ends in nothing. */
function endingOfGraph(model: object): Ending | null {
  const outputs = property(property(property(model, 'executor'), 'graph'), 'outputs');
  if (!Array.isArray(outputs)) return null;
  const found = outputs.map((output) => (isNode(output) ? endingOfNode(output) : null));
  return found.find((ending) => ending !== null) ?? null;
}

function endingOfNode(last: GraphNode): Ending | null {
  const node = lookThrough(last);
  const where = `node '${node.name}' of the graph model`;
  if (Object.hasOwn(NODES, node.op))
    return { op: NODES[node.op], where, nodeBefore: node.inputs.find(isNode)?.name ?? null };
  const exponential = exponentialOf(node);
  return exponential && { op: 'softmax', where, nodeBefore: logitsOf(exponential)?.name ?? null };
}

/** What other frameworks write for a softmax: exp(x - max x) over its sum. */
function exponentialOf({ op, inputs }: GraphNode): GraphNode | null {
  if (op !== 'RealDiv' && op !== 'Div') return null;
  const [above, below] = inputs.map((input) => lookThrough(input));
  return above?.op === 'Exp' && below?.op === 'Sum' && below.inputs.includes(above) ? above : null;
}

function logitsOf(exponential: GraphNode): GraphNode | undefined {
  const [argument] = exponential.inputs;
  return argument?.op === 'Sub' ? argument.inputs[0] : argument;
}

function lookThrough(node: GraphNode): GraphNode {
  const [before] = node.inputs;
  return TRANSPARENT_NODES.has(node.op) && isNode(before) ? lookThrough(before) : node;
}

function isNode(value: unknown): value is GraphNode {
  return (
    typeof property(value, 'op') === 'string' &&
    typeof property(value, 'name') === 'string' &&
    Array.isArray(property(value, 'inputs'))
  );
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
