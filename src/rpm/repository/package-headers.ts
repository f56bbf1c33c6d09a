import type { Digest } from '../../core/index.ts'
import type { RpmPackage } from '../rpm-package.ts'

/** What the headers of packages say. */
export interface PackageHeaders {
  of(item: { digest: Digest; sizeBytes: number; label: string }): Promise<RpmPackage>
}
