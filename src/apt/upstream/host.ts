import { readIfThere } from '../../core/index.ts'
import { readAptConfig, type AptConfig } from '../host/apt-config.ts'
import { readHostSources, type HostSource } from '../host/sources.ts'

/** What an upstream may learn from the machine that Larder runs on. */
export interface Host {
  aptConfig(): Promise<AptConfig>
  sources(config: AptConfig): Promise<HostSource[]>
  /** Undefined when the file is not there. */
  readFile(path: string): Promise<Buffer | undefined>
}

/** This machine; `root` for tests. */
export function createHost({ root = '/' }: { root?: string } = {}): Host {
  return {
    aptConfig: () => readAptConfig(),
    sources: (config) =>
      readHostSources({
        root,
        ...(config.architecture === undefined
          ? {}
          : { architecture: config.architecture, architectures: config.architectures }),
      }),
    readFile: readIfThere,
  }
}
