export interface CatalogueEntry {
  /** What the code means, for the reference page. */
  description: string
  httpStatus: number
  exitCode: 1 | 2 | 3
  retryable: boolean
}

type EntryOf = (description: string, httpStatus?: number) => CatalogueEntry

/** It did not work, and trying again would not help. */
export const failed: EntryOf = (description, httpStatus = 500) => entry(description, httpStatus, 1)
/** It did not work, and may by itself the next time. */
export const passing: EntryOf = (description, httpStatus = 503) => ({
  ...failed(description, httpStatus),
  retryable: true,
})
/** Asked for wrongly. */
export const usage: EntryOf = (description, httpStatus = 400) => entry(description, httpStatus, 2)
/** Asked for rightly, of what must not be used: files with mistakes, signatures that are not good. */
export const refused: EntryOf = (description, httpStatus = 422) => entry(description, httpStatus, 3)

function entry(description: string, httpStatus: number, exitCode: CatalogueEntry['exitCode']): CatalogueEntry {
  return { description, httpStatus, exitCode, retryable: false }
}
