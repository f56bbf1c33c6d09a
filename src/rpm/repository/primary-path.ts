/**
 * Whether primary.xml lists a file, so that dependencies on it need no filelists.xml: those below /etc, those in a
 * folder whose name ends in `bin`, and one more. Source: createrepo_c(8), which all repositories follow.
 */
export function isPrimaryPath(path: string): boolean {
  return path.startsWith('/etc/') || path.includes('bin/') || path === '/usr/lib/sendmail'
}
