import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench, BenchContext } from '../report.ts'
import { measureDownload } from './download.ts'
import { measureMetadata } from './metadata.ts'
import { measureParse } from './parse.ts'
import { measurePlusOne } from './plus-one.ts'

/** What each case needs: the context, a folder that is removed after, and one of packages that is kept. */
export interface RpmBenchContext extends BenchContext {
  folder: string
  packagesFolder: string
}

const cases: Record<string, (context: RpmBenchContext) => Promise<void>> = {
  download: measureDownload,
  metadata: measureMetadata,
  parse: measureParse,
  'plus-one': measurePlusOne,
}

/** RPM repositories, beside createrepo_c and dnf, from the same packages. */
export const rpmBench: Bench = {
  cases: Object.keys(cases),
  packages: {
    'createrepo-c': 'the peer',
    dnf: 'the peer',
    'dnf-plugins-core': 'its command `download`',
    rpm: 'reads and signs packages',
  },
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'larder-bench-rpm-'))
    const packagesFolder = join(context.root, 'var/bench/local-packages')
    try {
      for (const [name, measure] of Object.entries(cases)) {
        if (context.wants(name)) await measure({ ...context, folder, packagesFolder })
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
