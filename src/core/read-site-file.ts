import { isLarderError } from './error.ts'
import type { SiteFiles } from './kind.ts'

/** A file that the site names, or what is wrong with it, as a problem at the place where it is named says it. */
export async function readSiteFile(files: SiteFiles, path: string): Promise<{ bytes: Buffer } | { fault: string }> {
  try {
    const bytes = await files.read(path)
    return bytes === undefined ? { fault: `there is no file ${JSON.stringify(path)} in the site` } : { bytes }
  } catch (error) {
    if (!isLarderError(error, 'GIT_FILE_REFUSED')) throw error
    return { fault: error.message.replace(/\.$/, '') }
  }
}
