import type { Distribution } from './installed-package.ts'

/** Source: os-release(5). */
export function parseOsRelease(text: string): Distribution {
  const values = new Map<string, string>()
  for (const line of text.split('\n')) {
    const parts = /^([A-Z0-9_]+)=(.*?)\s*$/.exec(line)
    if (parts !== null) values.set(parts[1] ?? '', unquoted(parts[2] ?? ''))
  }
  const id = (values.get('ID') ?? '').toLowerCase()
  return {
    id: /^[a-z0-9._-]{1,64}$/.test(id) ? id : 'linux',
    versionId: values.get('VERSION_ID')?.slice(0, 64),
    name: (values.get('PRETTY_NAME') ?? values.get('NAME') ?? 'Linux').slice(0, 200),
    cpe: values.get('CPE_NAME')?.slice(0, 200),
  }
}

function unquoted(value: string): string {
  const inner = /^(["'])(.*)\1$/.exec(value)?.[2] ?? value
  return inner.replace(/\\(["'$`\\])/g, '$1')
}
