import { expect, it } from 'vitest'
import { failureOf } from './ssh-failure.ts'

const stdout = Buffer.alloc(0)

it.each([
  [
    255,
    'ssh: connect to host 192.0.2.1 port 22: Connection refused\r\n',
    'FLEET_HOST_UNREACHABLE',
    'is the port right',
  ],
  [
    255,
    'ssh: Could not resolve hostname web-1: Name or service not known\n',
    'FLEET_HOST_UNREACHABLE',
    'address right',
  ],
  [
    255,
    'root@192.0.2.1: Permission denied (publickey).\n',
    'FLEET_HOST_REFUSED',
    'authorized_keys of the user there: larder machine trust web-1',
  ],
  [255, '', 'FLEET_HOST_UNREACHABLE', 'tried again'],
  [
    255,
    'No ED25519 host key is known for web-1 and you have requested strict checking.\nHost key verification failed.\n',
    'FLEET_HOST_REFUSED',
    'larder machine trust web-1',
  ],
  [
    255,
    '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.\n',
    'FLEET_HOST_KEY_CHANGED',
    'larder machine trust web-1',
  ],
  [1, 'sudo: a password is required\n', 'FLEET_SUDO_REFUSED', 'NOPASSWD'],
  [1, 'sudo: sorry, you must have a tty to run sudo\n', 'FLEET_SUDO_REFUSED', 'Defaults:NAME !requiretty'],
  [1, 'admin is not in the sudoers file.\n', 'FLEET_SUDO_REFUSED', 'NOPASSWD'],
  [
    1,
    'sudo: unable to resolve host web-1: Name or service not known\nsudo: sorry, you must have a tty to run sudo\n',
    'FLEET_SUDO_REFUSED',
    '!requiretty',
  ],
  [127, 'bash: line 1: exec: sudo: not found\n', 'FLEET_SUDO_REFUSED', 'NOPASSWD'],
  // Of sudo-rs.
  [1, 'sudo: interactive authentication is required\n', 'FLEET_SUDO_REFUSED', 'NOPASSWD'],
  [1, "sudo: I'm sorry stranger. I'm afraid I can't do that\n", 'FLEET_SUDO_REFUSED', 'NOPASSWD'],
])('%i, %j: %s', (code, stderr, expected, hint) => {
  const failure = failureOf('web-1', { code, stdout, stderr })
  expect(failure).toMatchObject({
    code: expected,
    message: expect.stringContaining('web-1'),
    hint: expect.stringContaining(hint),
  })
})

it.each([
  [0, 'sudo: unable to resolve host web-1\n'],
  [3, 'sudo: a password is required\n'],
  // What sudo warns of before it lets a script begin, which then ends with 1 itself.
  [1, 'sudo: unable to resolve host web-1: Name or service not known\nno such file\n'],
  [1, 'sudo: setrlimit(RLIMIT_CORE): Operation not permitted\n'],
  [1, 'no such file\n'],
  // Of sudo-rs, about a setting that it does not know.
  [1, "/etc/sudoers.d/tty:1:17: unknown setting: 'requiretty'\n"],
  [254, 'Connection refused\n'],
])('%i, %j is the answer of a script', (code, stderr) => {
  expect(failureOf('web-1', { code, stdout, stderr })).toBeUndefined()
})

it('an image for clouds, of Ubuntu say, tells who logs in there instead of root', () => {
  const words = 'Please login as the user "ubuntu" rather than the user "root".\n\n'
  expect(failureOf('web-1', { code: 142, stdout: Buffer.from(words), stderr: '' })).toMatchObject({
    code: 'FLEET_HOST_REFUSED',
    message: expect.stringContaining('nobody log in as root'),
    hint: expect.stringContaining('user: ubuntu'),
  })
  expect(failureOf('web-1', { code: 142, stdout: Buffer.from('other words'), stderr: '' })).toBeUndefined()
  expect(failureOf('web-1', { code: 0, stdout: Buffer.from(words), stderr: '' })).toBeUndefined()
})
