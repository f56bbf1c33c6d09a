import { randomUUID } from 'node:crypto'
import { isAbsolute } from 'node:path'
import { LarderError } from '../../core/index.ts'
import { formatOfSnapshot, resign, validForMsOf } from '../../mirror/index.ts'
import { exportTree, readTree, type Keyring } from '../../publish/index.ts'
import type { Controller } from '../controller.ts'
import type { Housekeeping } from '../housekeeping.ts'
import { requireMirror, requirePublication } from './mirrors.ts'
import { declaredMirror, keyKindOf, type ControllerContext } from './context.ts'

type UpkeepMethods = Pick<Controller, 'exportMirror' | 'collectGarbage' | 'keys' | 'importKey' | 'rotateKey'>

/** What an administrator does now and then. */
export function createUpkeepMethods(
  context: ControllerContext,
  { keyring, housekeeping }: { keyring: Keyring; housekeeping: Pick<Housekeeping, 'collect'> },
): UpkeepMethods {
  const listKeys: Controller['keys'] = async (mirror) => {
    await context.signingKey(mirror)
    const keys = await keyring.list(mirror)
    return keys.map(({ fingerprint, retiresAt }) => ({ fingerprint, retiresAt: retiresAt?.toISOString() }))
  }
  /** Signed by both keys from now on, so that clients that fetch the new one can use it at once. */
  const signAgain = async (mirror: string): Promise<void> => {
    const declared = await declaredMirror(context, mirror)
    const { publisher, signingKey, formats } = context
    const validForMs = declared === undefined ? undefined : validForMsOf(declared)
    await resign({ mirror, formats, publisher, signingKey, validForMs })
  }
  return {
    exportMirror: (mirror, folder) => exportMirror(context, mirror, folder),
    collectGarbage: () => housekeeping.collect(context.stopping),
    async keys(mirror) {
      await requireMirror(context, mirror)
      return listKeys(mirror)
    },
    async importKey(mirror, { armored, passphrase }) {
      await keyring.importKey(mirror, armored, passphrase === undefined ? {} : { passphrase })
      await signAgain(mirror)
      return listKeys(mirror)
    },
    async rotateKey(mirror) {
      await requireMirror(context, mirror)
      await keyring.rotate(mirror, { kind: await keyKindOf(context, mirror) })
      await signAgain(mirror)
      return listKeys(mirror)
    },
  }
}

/** The lease keeps what is being copied, however many switches come meanwhile. EXPORT_REFUSED, DISK_FULL. */
async function exportMirror(
  context: ControllerContext,
  mirror: string,
  folder: string,
): ReturnType<Controller['exportMirror']> {
  if (!isAbsolute(folder)) throw new LarderError('USAGE', { message: `${folder} is not an absolute path.` })
  const publication = await requirePublication(context, mirror)
  const { store, leases, publisher, formats } = context
  const format = formatOfSnapshot(formats, await publisher.snapshot(mirror, publication.snapshotNumber))
  const tree = await readTree(store, publication.tree)
  const lease = await leases.acquire(`export/${mirror}/${randomUUID()}`)
  try {
    await leases.pin(lease, [...new Set(tree.blobs())])
    return await exportTree({
      store,
      tree,
      folder,
      order: (path) => format.exportOrder(path),
      signal: context.stopping,
    })
  } finally {
    await leases.release(lease)
  }
}
