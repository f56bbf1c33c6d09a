/** Where all that HAProxy needs is on a machine: Debian's folders. */
export const haproxyPaths = {
  config: '/etc/haproxy/haproxy.cfg',
  certificates: '/etc/haproxy/certificates',
  adminSocket: '/run/haproxy/admin.sock',
  /** As its unit says. */
  masterSocket: '/run/haproxy-master.sock',
  /** What it was told while it ran. */
  state: '/var/lib/haproxy/larder-state',
} as const
