import { LarderError, readIfThere } from '../../core/index.ts'
import { formatNamed } from '../../mirror/index.ts'
import type { Controller } from '../controller.ts'
import type { OwnTarget } from '../own-packages.ts'
import { declaredMirror, type ControllerContext } from './context.ts'
import { requireMirror } from './mirrors.ts'

type OwnPackageMethods = Pick<Controller, 'ownPackages' | 'addPackage' | 'removePackage'>

/** Packages that are no upstream's. The next run publishes what has changed. */
export function createOwnPackageMethods(context: ControllerContext): OwnPackageMethods {
  const { own, stopping } = context
  return {
    async ownPackages(mirror) {
      await requireMirror(context, mirror)
      return [...(await own.list(mirror))]
    },
    addPackage: async (mirror, { label, content }) =>
      own.add(await targetOf(context, mirror), label, content, stopping),
    removePackage: async (mirror, which) => own.remove(await targetOf(context, mirror), which, stopping),
  }
}

/** MIRROR_UNKNOWN, when the head of main does not declare it. */
async function targetOf(context: ControllerContext, name: string): Promise<OwnTarget> {
  const head = await context.siteHead.current()
  const mirror = await declaredMirror(context, name)
  if (head === undefined || mirror === undefined) {
    await requireMirror(context, name)
    throw new LarderError('MIRROR_UNKNOWN', {
      message: `Mirror ${name} is no longer declared in larder.yaml.`,
      hint: 'Declare it again first: its settings say which packages fit.',
    })
  }
  const format = formatNamed(context.formats, mirror.format)
  const readKey = (path: string) => (path.startsWith('/') ? readIfThere(path) : head.files.read(path))
  return { name, format, mirror, readKey, signingKey: () => context.signingKey(name) }
}
