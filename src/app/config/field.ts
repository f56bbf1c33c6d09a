import { z } from 'zod'

export const dataFile = z.string().min(1).max(4096).describe('Path of a file, relative to the data folder')

/** Whether an address is one of this machine itself, by plain HTTP. */
export function isLoopback(text: string): boolean {
  return /^http:\/\/(?:[^\s/@]+@)?(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?\/[^\s\u0000-\u001f]*$/.test(text)
}
