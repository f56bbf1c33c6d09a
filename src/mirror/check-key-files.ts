import { readSiteFile, isLarderError, problemAt, type CheckContext, type Problem } from '../core/index.ts'
import { parseKeyring } from '../openpgp/index.ts'
import { isSitePath } from './mirror-schema.ts'

/** Keys of upstreams that are files of the site: there, and readable. Those of the host are looked at where they are used. */
export async function checkKeyFiles(context: CheckContext): Promise<Problem[]> {
  const names = context.declared['upstreams'] ?? []
  const checked = names.map(async (name) => {
    const keys = context.documentAt(['upstreams', name, 'keys'])
    const paths = Array.isArray(keys.value) ? (keys.value as unknown[]) : []
    const faults = await Promise.all(paths.map((path) => faultOf(path, context)))
    return faults.flatMap((fault, index) => (fault === undefined ? [] : [problemAt(keys, [index], fault)]))
  })
  return (await Promise.all(checked)).flat()
}

async function faultOf(
  path: unknown,
  { files }: CheckContext,
): Promise<{ message: string; expected: string } | undefined> {
  if (!isSitePath(path)) return undefined
  const expected = 'a file of public keys, as gpg --export or gpg --armor --export writes it'
  const read = await readSiteFile(files, path)
  if ('fault' in read) return { message: read.fault, expected }
  try {
    await parseKeyring([{ name: path, bytes: read.bytes }])
    return undefined
  } catch (error) {
    if (!isLarderError(error, 'KEYRING_UNREADABLE')) throw error
    return { message: error.message.replace(/\.$/, ''), expected }
  }
}
