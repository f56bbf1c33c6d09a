import { spawn } from 'node:child_process'
import { compileIndex } from '../../src/apt/compile-index.ts'
import type { PackageIndex } from '../../src/apt/package-index.ts'

/** The text of an index that xz has packed. */
export async function* unpack(file: string): AsyncGenerator<Buffer> {
  const xz = spawn('xz', ['-dc', '--', file], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const chunk of xz.stdout) yield chunk as Buffer
}

/** As the controller has it in memory. */
export function openText(text: AsyncIterable<Buffer>, folder: string): Promise<PackageIndex> {
  return compileIndex(text, { folder, key: 'bench', kind: 'packages', label: 'bench' })
}
