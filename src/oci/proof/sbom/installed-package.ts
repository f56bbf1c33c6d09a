/** What the database of a package manager says of a package. */
export interface InstalledPackage {
  kind: 'deb' | 'rpm' | 'apk' | 'npm' | 'pypi'
  name: string
  /** As the package manager writes it; of RPM `version-release`, without its epoch. */
  version: string
  /** Of RPM alone: of deb it is in the version. */
  epoch?: number | undefined
  architecture?: string | undefined
  /** In the words of the package. */
  license?: string | undefined
  /** Who hands it out, as `name` or `name (address)`. */
  supplier?: string | undefined
  /** What it was built from. */
  source?: string | undefined
}

/** The system that an image is of. Source: os-release(5). */
export interface Distribution {
  /** Lower case, `linux` where it is not said. */
  id: string
  versionId: string | undefined
  name: string
  cpe: string | undefined
}
