import type { BuildRequest, BuildResult, ImageBuilder } from '../build/image-builder.ts'
import { hostPlatform, parsePlatform } from '../platform.ts'
import { makeArchive } from './archive.ts'
import { writeLayout } from './write-layout.ts'

/** Builds nothing: what it writes is an image of one file, which holds what it was asked for. */
export class StandInBuilder implements ImageBuilder {
  readonly name = 'buildah'
  readonly hasEmulators = false
  readonly requests: BuildRequest[] = []
  /** What it says that it built upon. */
  baseName = 'base.example.org/a:1'

  probe(): Promise<{ usable: true; version: string }> {
    return Promise.resolve({ usable: true, version: '1' })
  }

  async build(request: BuildRequest): Promise<BuildResult> {
    this.requests.push(request)
    const platform = request.platform === undefined ? hostPlatform() : parsePlatform(request.platform)
    const content = JSON.stringify([request.platform, request.labels])
    const layers = [{ bytes: await makeArchive([{ name: 'told', content }]) }]
    const manifest = await writeLayout(request.outputFolder, { layers, architecture: platform.architecture })
    return { manifest, platform, baseImages: [{ name: this.baseName, digest: manifest.digest }] }
  }
}
