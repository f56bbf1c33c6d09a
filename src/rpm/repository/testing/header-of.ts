import { relationNames, type RelationName, type RpmPackage, type RpmRelation } from '../../rpm-package.ts'

/** A package as its header might tell of it. */
export function headerOf(
  name: string,
  more: Partial<Omit<RpmPackage, 'relations'>> & { relations?: Partial<Record<RelationName, RpmRelation[]>> } = {},
): RpmPackage {
  const none = Object.fromEntries(relationNames.map((kind) => [kind, []])) as unknown as RpmPackage['relations']
  return {
    name,
    architecture: 'x86_64',
    evr: { epoch: '0', version: '1.0', release: '1' },
    summary: `What ${name} is`,
    description: `What ${name} does,\nat length`,
    url: '',
    license: 'MIT',
    vendor: '',
    packager: '',
    group: 'Unspecified',
    buildHost: 'builder.example.org',
    sourceRpm: `${name}-1.0-1.src.rpm`,
    buildTime: 1_600_000_000,
    headerStart: 4504,
    headerEnd: 9000,
    packageBytes: 10_000,
    installedBytes: 20_000,
    archiveBytes: 20_500,
    files: [],
    changelogs: [],
    ...more,
    relations: { ...none, ...more.relations },
  }
}
