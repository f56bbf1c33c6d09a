/** A volume of GlusterFS over machines, mounted on each. The first of `peers` makes it, once the others answer. Debian, Ubuntu. */
export const sharedStorageRole = `
description: A file system that several machines share (GlusterFS)
variables: { volume: shared, peers: null, replicas: 2, brick: /var/lib/larder-brick, mount: /srv/shared }
resources:
  - package: [glusterfs-server, glusterfs-client]
    recommends: false
  - service: glusterd
    ready: { command: [gluster, pool, list] }
  - directory: "{{brick}}"
  - file: /etc/larder/gluster-volume.sh
    inline: |
      set -eu
      isFirst=
      bricks=
      {{#peers}}
      [ -n "$bricks" ] || [ '{{.}}' != '{{machine.name}}' ] || isFirst=yes
      bricks="$bricks {{.}}:{{brick}}/data"
      {{/peers}}
      if [ -n "$isFirst" ]; then
      {{#peers}}
      [ '{{.}}' = '{{machine.name}}' ] || timeout 300 sh -c "until gluster --mode=script peer probe '{{.}}'; do sleep 2; done"
      {{/peers}}
      timeout 300 sh -c 'while gluster pool list | tail -n +2 | grep -qv Connected; do sleep 1; done'
      gluster volume info '{{volume}}' >/dev/null 2>&1 ||
        gluster --mode=script volume create '{{volume}}' replica {{replicas}} $bricks force
      gluster volume info '{{volume}}' | grep -q '^Status: Started' || gluster --mode=script volume start '{{volume}}'
      fi
      timeout 300 sh -c "until gluster volume info '{{volume}}' 2>/dev/null | grep -q '^Status: Started'; do sleep 2; done"
  - command: "GlusterFS: volume {{volume}}"
    run: [/bin/sh, /etc/larder/gluster-volume.sh]
    unless: |
      gluster volume info '{{volume}}' 2>/dev/null | grep -q '^Status: Started'
    after: [service:glusterd, "directory:{{brick}}", file:/etc/larder/gluster-volume.sh]
  - mount: "{{mount}}"
    device: "localhost:/{{volume}}"
    type: glusterfs
    options: defaults,_netdev
    after: "command:GlusterFS: volume {{volume}}"
`
