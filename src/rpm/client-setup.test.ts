import { expect, it } from 'vitest'
import { clientSetup } from './client-setup.ts'

const options = { mirror: 'el9', baseUrl: 'http://larder.example.org' }
const meta = {
  format: 'rpm',
  architectures: ['x86_64'],
  gpgcheck: true,
  records: [],
  vendorKeys: ['keys/RPM-GPG-KEY-base'],
}

it('writes a repository that verifies metadata by our key and packages by those of their vendors', () => {
  expect(clientSetup({ ...options, meta })).toEqual({
    format: 'rpm',
    repo: `[larder-el9]
name=Larder mirror el9
baseurl=http://larder.example.org/rpm/el9/
enabled=1
gpgcheck=1
repo_gpgcheck=1
gpgkey=http://larder.example.org/keys/el9.asc
       http://larder.example.org/rpm/el9/keys/RPM-GPG-KEY-base
metadata_expire=1h
`,
  })
})

it('asks for no signature of packages that have none', () => {
  expect(clientSetup({ ...options, meta: { ...meta, gpgcheck: false, vendorKeys: [] } }).repo).toContain(
    'gpgcheck=0\nrepo_gpgcheck=1\ngpgkey=http://larder.example.org/keys/el9.asc\n',
  )
})

it('writes for yum 3 what yum 3 understands', () => {
  const { repo } = clientSetup({ ...options, meta: { ...meta, compatibility: 'yum3' } })
  expect(repo).toContain('metadata_expire=3600\n')
  expect(repo).not.toContain('1h')
})

it('has nothing to say of a mirror that is not published', () => {
  expect(() => clientSetup({ ...options, meta: undefined })).toThrow(
    expect.objectContaining({ code: 'PUBLICATION_NONE' }),
  )
})
