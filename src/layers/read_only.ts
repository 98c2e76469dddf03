/** The object, of which only these properties can be assigned: with others a mistake would change nothing, or what is in use. */
export function readOnly<T extends object>(
  object: T,
  assignable: readonly string[],
  errorOf: (property: string) => Error,
): T {
  return new Proxy(object, {
    set(target, property, value, receiver) {
      if (!assignable.includes(String(property))) throw errorOf(String(property));
      return Reflect.set(target, property, value, receiver);
    },
  });
}
