import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { Interner } from '../../table/index.ts'
import { compilePrimary, type CompileOptions } from '../compile-primary.ts'
import type { PackageIndex } from '../package-index.ts'
import { RelationField, relationFieldCount, type RelationName } from '../package-rows.ts'
import type { TextPackage } from './primary-text.ts'

/** Compiles into a folder that is there while the tests of one file run. */
export function usePrimaryFolder() {
  let made = 0
  const bench = {
    folder: '',
    /** `sizes`: of the pieces that the text comes in, in turn. */
    compile: (
      text: string | Buffer,
      { sizes, ...options }: Partial<CompileOptions> & { sizes?: readonly number[] } = {},
    ): Promise<PackageIndex> =>
      compilePrimary(pieces(Buffer.from(text), sizes), {
        folder: bench.folder,
        key: `k${made++}`,
        label: 'upstream test',
        ...options,
      }),
  }
  beforeAll(async () => {
    bench.folder = await mkdtemp(join(tmpdir(), 'larder-primary-'))
  })
  afterAll(() => rm(bench.folder, { recursive: true, force: true }))
  return bench
}

export async function* pieces(bytes: Buffer, sizes: readonly number[] = [65_536]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!
    yield bytes.subarray(at, at + size)
    at += size
  }
}

/** All that an index says, in words. */
export function told(index: PackageIndex): unknown {
  const rows = Array.from({ length: index.rowCount }, (_, row) => ({
    name: index.word(index.nameOf[row]!),
    evr: index.word(index.evrOf[row]!),
    architecture: index.word(index.architectureOf[row]!),
    sizeBytes: index.sizeBytesOf[row],
    href: index.location(row),
    base: index.baseUrl(row),
    checksum: index.checksum(row),
    sourceRpm: index.sourceRpm(row),
    files: Array.from(index.file.subarray(index.fileStart[row], index.fileStart[row + 1]), (id) => index.word(id)),
    relations: relationsOf(index, row),
    fragment: index.fragment(row).toString(),
  }))
  const { excludedCount, excluded, notes, namespaces } = index
  return { rows, excludedCount, excluded, notes, namespaces }
}

export function relationsOf(index: PackageIndex, row: number): Partial<Record<RelationName, string[]>> {
  const fields = Object.entries(RelationField).map(([name, field]) => {
    const start = index.relationStart[row * relationFieldCount + field]!
    const end = index.relationStart[row * relationFieldCount + field + 1]!
    return [name, Array.from(index.relation.subarray(start, end), (id) => index.clause(id))] as const
  })
  const later = new Interner(16)
  const read = Object.entries(index.laterRelations(row, later)).map(([name, ids]) => {
    return [name, ids.map((id) => Buffer.from(later.text(id), 'latin1').toString())] as const
  })
  return Object.fromEntries([...fields, ...read].filter(([, clauses]) => clauses.length > 0))
}

export const nginx: TextPackage = {
  name: 'nginx',
  evr: '1:1.22.1-4.el9',
  sizeBytes: 40_000,
  sourceRpm: 'nginx-1.22.1-4.el9.src.rpm',
  base: 'http://example.org/other/',
  provides: ['nginx = 1:1.22.1-4.el9', 'webserver'],
  requires: ['/bin/sh', 'libc.so.6()(64bit)', 'nginx-core >= 1.22', '(geoip if geoip-data)'],
  supplements: ['web < 2:3'],
  obsoletes: ['nginx-old <= 0:1.0'],
  files: ['/etc/nginx/a & <b>.conf', '/usr/bin/', '/usr/sbin/nginx'],
}

export const sha1 = 'ab'.repeat(20)
/** As no tool writes it, and as XML allows. */
export const odd = `\ufeff<?xml version='1.0' encoding='utf-8'?><!-- <package> --><?target <package>?>
<c:metadata packages = '1'
   xmlns:c="urn:common" xmlns:x='urn:rpm' >
 stray text &amp; <!-- -->
<other><package><name>none</name></package></other>
<c:package
  type='rpm'><x:format
    ><x:requires><x:entry rel='3' pre="1" ver='2' epoch="0" flags='GE' name='b&#97;s&#x68;'/><x:entry name="ö"></x:entry></x:requires>
     <x:requires><x:entry name='(a if b)' flags='EQ'/></x:requires>
     <c:file>/etc/<![CDATA[<&>]]><!-- no -->é</c:file><x:sourcerpm/></x:format>
  <c:location href="p/a.rpm" />
  <c:size archive="1" package='17'/><c:checksum pkgid="YES" type="sha">
    ${sha1.toUpperCase()}
  </c:checksum><c:version rel="1" ver="2"/><c:arch> noarch </c:arch
  ><c:description>name &lt;name&gt; <![CDATA[<name>]]> ]] ></c:description>
  <c:name
  >a<!-- b --><![CDATA[c]]></c:name>
</c:package
></c:metadata ><!-- after -->
`
