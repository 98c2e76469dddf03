/** Names with which errors of what a public function calls begin. */
const INNER =
  /^(softmaxCrossEntropyWithTemperature(Grad)?|distillationLoss|distillationMetrics|averageTeachers|multiLabelDistillationLoss|Distiller(\.\w+)?): /i;

/** Runs f; an error in it names the public function that was called, and not one inside of it. */
export function calledBy<T>(functionName: string, f: () => T): T {
  try {
    return f();
  } catch (error) {
    if (error instanceof Error) rename(error, functionName);
    throw error;
  }
}

/** As calledBy, for what ends later. */
export async function awaitedBy<T>(functionName: string, f: () => Promise<T>): Promise<T> {
  try {
    return await f();
  } catch (error) {
    if (error instanceof Error) rename(error, functionName);
    throw error;
  }
}

function rename(error: Error, functionName: string): void {
  const { message, stack } = error;
  const renamed = message.replace(INNER, () => `${functionName}: `);
  if (renamed === message) return;
  error.message = renamed;
  // it begins with the message that was
  if (stack !== undefined) error.stack = stack.replace(message, () => renamed);
}
