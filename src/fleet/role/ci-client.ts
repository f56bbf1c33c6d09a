import { nestedStorage } from '../resource/nested-storage.ts'

/**
 * Where a machine is a container itself, a build can neither lay file systems over its own, nor have control groups: buildah(1),
 * --isolation. A command, since which machine is one is known there alone.
 */
export const ciClientRole = `
description: What a machine needs to fetch sources, and to build and push images
variables: { mirror: base, only: true, packages: [] }
resources:
  - repository: "{{mirror}}"
    only: "{{only}}"
  - package: [git, ca-certificates, curl, buildah, crun, skopeo]
    id: tools to build with
  - package: "{{packages}}"
  - authority: registry
    after: tools to build with
  - command: "builds within a container"
    run: |
      mkdir -p /etc/containers/containers.conf.d
      cat >/etc/containers/storage.conf <<'END'
${nestedStorage.replace(/^/gm, '      ').trimEnd()}
      END
      echo '# Written by Larder.
      [engine]
      env = ["BUILDAH_ISOLATION=chroot"]' >/etc/containers/containers.conf.d/larder.conf
    only-if: |
      systemd-detect-virt --quiet --container
      ! grep -qs chroot /etc/containers/containers.conf.d/larder.conf || ! grep -qs '"vfs"' /etc/containers/storage.conf
    after: tools to build with
`
