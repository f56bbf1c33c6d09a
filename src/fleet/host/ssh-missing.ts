import { LarderError } from '../../core/index.ts'

/** TOOL_MISSING: `program` is one of those that come with the client of ssh. */
export function sshMissing(program: string): LarderError {
  const message = `${program} is not installed, or not on the PATH.`
  return new LarderError('TOOL_MISSING', { message, hint: 'On Debian: apt-get install openssh-client' })
}
