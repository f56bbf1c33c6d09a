/** Of all that a fake controller has published. */
export const sealedAt = new Date('2026-11-20T08:00:00Z')
