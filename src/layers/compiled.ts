import type { Optimizer } from '@tensorflow/tfjs-core';
import { COMPILE_ARGS, checkArgumentNames } from './argument_names.ts';
import type { DistillerCompileArgs } from './distiller_arguments.ts';
import { DISTILLATION_METRICS, type DistillationMetric, type MetricFunction } from './measures.ts';
import { optimizerNamed } from './optimizers.ts';

/** What a Distiller was compiled to. */
export interface Compiled {
  optimizer: Optimizer;
  /** Made here, from a name. */
  isOptimizerOwned: boolean;
  measures: readonly DistillationMetric[];
  functions: readonly MetricFunction[];
}

export function compiledOf(args: DistillerCompileArgs, functionName: string): Compiled {
  checkArgumentNames(args, COMPILE_ARGS, functionName);
  const { optimizer, metrics = DISTILLATION_METRICS } = args;
  if (!Array.isArray(metrics)) {
    throw new TypeError(`${functionName}: metrics must be an array of names and functions; got ${metrics}.`);
  }
  const measures: DistillationMetric[] = [];
  const functions: MetricFunction[] = [];
  for (const metric of metrics) {
    if (typeof metric === 'function') functions.push(metric);
    else if (DISTILLATION_METRICS.includes(metric)) measures.push(metric);
    else {
      throw new Error(
        `${functionName}: unknown metric '${metric}'; expected ${DISTILLATION_METRICS.join(', ')}, or a function (labels, studentLogits) => Tensor.`,
      );
    }
  }
  const made = typeof optimizer === 'string' ? optimizerNamed(optimizer) : optimizer;
  if (typeof made?.minimize !== 'function') {
    throw new TypeError(`${functionName}: expected an optimizer, or the name of one; got ${optimizer}.`);
  }
  return { optimizer: made, isOptimizerOwned: made !== optimizer, measures, functions };
}

/** The weight of each class, of which none may be left out. */
export function classWeights(
  classWeight: Record<number, unknown> | undefined,
  classes: number,
  hasLabels: boolean,
  functionName: string,
): number[] | null {
  if (classWeight === undefined) return null;
  if (!hasLabels) throw new Error(`${functionName}: classWeight needs labels; got none.`);
  return Array.from({ length: classes }, (_, id) => {
    const weight = classWeight[id];
    if (typeof weight === 'number') return weight;
    throw new Error(
      `${functionName}: classWeight must hold a number for each of the ${classes} classes; got ${weight} for class ${id}.`,
    );
  });
}
