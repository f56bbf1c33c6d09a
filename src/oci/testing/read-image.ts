import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'

/** Reads an image as a stranger would: every blob is there, and is what its digest says. */
export async function readImage(layout: string, digest: string): Promise<{ config: unknown; layers: number }> {
  const blob = async ({ digest: wanted, size }: { digest: string; size?: number }): Promise<Buffer> => {
    const bytes = await readFile(join(layout, 'blobs', 'sha256', wanted.slice('sha256:'.length)))
    expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(wanted)
    if (size !== undefined) expect(bytes.length).toBe(size)
    return bytes
  }
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string }[] }
  expect(index.manifests.map((one) => one.digest)).toEqual([digest])
  expect(JSON.parse(await readFile(join(layout, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' })
  const manifest = JSON.parse((await blob({ digest })).toString()) as {
    config: { digest: string; size: number }
    layers: { digest: string; size: number }[]
  }
  for (const layer of manifest.layers) await blob(layer)
  return { config: JSON.parse((await blob(manifest.config)).toString()), layers: manifest.layers.length }
}
