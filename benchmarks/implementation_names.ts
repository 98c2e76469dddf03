/** Losses that compute the same thing. */
export const LOSS_NAMES = ['tfjs-distill', 'stock', 'composed'] as const;
export type LossName = (typeof LOSS_NAMES)[number];

/**
 * What `--impl` takes. `copy` is the device's copy of as many bytes as the traffic model moves; `floor` is
 * what tfjs takes for next to no work.
 */
export const IMPLEMENTATIONS = [...LOSS_NAMES, 'copy', 'floor'] as const;
export type Implementation = (typeof IMPLEMENTATIONS)[number];

export function isLoss(implementation: Implementation): implementation is LossName {
  return LOSS_NAMES.some((name) => name === implementation);
}
